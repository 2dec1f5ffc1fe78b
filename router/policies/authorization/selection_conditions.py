"""Finds the type of a selected field, and the conditions of a selection: `@skip`, `@include` and type conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    BooleanValueNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSkipDirective,
    VariableNode,
    get_named_type,
)

from router.executor.graphql.type_relations import is_subtype

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema, SelectionNode, ValueNode

_CONDITIONS = {GraphQLSkipDirective.name: False, GraphQLIncludeDirective.name: True}


def field_type_name(schema: GraphQLSchema, parent: str, name: str) -> str | None:
    """Return the type of a field without its list and non-null wrappers. Return None for introspection fields."""
    type_ = schema.get_type(parent)
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) or name not in type_.fields:
        return None
    name_of_type: str = get_named_type(type_.fields[name].type).name
    return name_of_type


def always_applies(schema: GraphQLSchema, condition: str, parent: str) -> bool:
    """Return whether a fragment with the type condition `condition` applies to every object of the type `parent`."""
    return is_subtype(schema, parent, condition)


def is_conditional(selection: SelectionNode) -> bool:
    """Return whether a selection has `@skip` or `@include`."""
    return any(directive.name.value in _CONDITIONS for directive in selection.directives or ())


def is_included(selection: SelectionNode, variables: Mapping[str, object]) -> bool:
    """Return whether a selection is included, given its `@skip` and `@include` and the values of `variables`."""
    return all(_value(value, variables) is expected for value, expected in _conditions(selection))


def _conditions(selection: SelectionNode) -> Iterator[tuple[ValueNode, bool]]:
    for directive in selection.directives or ():
        if directive.name.value in _CONDITIONS and directive.arguments:
            yield directive.arguments[0].value, _CONDITIONS[directive.name.value]


def _value(node: ValueNode, variables: Mapping[str, object]) -> object:
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    return isinstance(node, BooleanValueNode) and node.value
