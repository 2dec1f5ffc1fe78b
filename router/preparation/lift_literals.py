"""Replaces the literal argument values of an operation by variables, so that operations share one plan.

    { product(id: "17") { name } }     ->     query ($literal_0: ID!) { product(id: $literal_0) { name } }
                                              {"literal_0": "17"}

Clients that write values into their documents would otherwise need a new plan for each value. The document of the
client is checked as it is; only a valid document is changed. These values stay in the document:

- the arguments of directives: `@skip`, `@include` and `@defer` change the plan;
- null, because an argument that is null has no value to send in a variable of a non-null type;
- values of custom scalars: a literal such as `1.0`, `A` or `{a: 1}` has no JSON value that all servers read alike;
- the shape of input objects: their leaves are replaced one by one, because a server adds the default values of fields;
- the arguments of introspection, and of fields that a `@requires` of the supergraph selects with arguments: the planner
  compares these arguments with those of the client.

Equal literals of one type get one variable. So two fields with the same response key still have equal arguments.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from graphql import (
    ArgumentNode,
    FieldNode,
    FloatValueNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    parse_type,
    print_ast,
    specified_scalar_types,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from graphql import FragmentDefinitionNode, GraphQLInputType, GraphQLNamedType, OperationDefinitionNode, ValueNode

    from router.get_operation import PreparedOperation

MAX_VARIABLES: Final = 100
"""An operation with more different literals is left as it is. A program has written it, and no second one is like it:
its plan would not be shared, and each fetch would have hundreds of variables."""

MAX_TEXT: Final = 8_192
"""A document with more characters is left as it is. The operation with variables is parsed on the event loop, which
takes about 4 ms for a document of this length."""

_LEAVES: Final = frozenset({"int_value", "float_value", "string_value", "boolean_value", "enum_value"})
_FIELD_SETS: Final = re.compile(r'(?:requires|selection): "((?:[^"\\]|\\.)*)"')
_WITH_ARGUMENTS: Final = re.compile(r"(\w+)\s*\(")


class LiftedText(NamedTuple):
    """The text of an operation whose literals are variables, and the coerced values of these variables."""

    text: str
    values: Mapping[str, object]


def fields_with_required_arguments(sdl: str) -> frozenset[str]:
    """Return the names of the fields that a `@requires` or `@context` of the supergraph selects with arguments."""
    return frozenset(name for found in _FIELD_SETS.findall(sdl) for name in _WITH_ARGUMENTS.findall(found))


def lift(operation: PreparedOperation, kept: Collection[str] = ()) -> LiftedText | None:
    """Replace the literals of an operation by variables. Return None if no literal can be replaced.

    The literals in arguments of the fields with the names `kept` are not replaced.

    Raises:
        RecursionError: The operation is nested too deeply.
    """
    lifting = _Lifting(operation, kept)
    definition = lifting.definition()
    if not 0 < len(lifting.values) <= MAX_VARIABLES:
        return None
    declared = (*(definition.variable_definitions or ()), *lifting.variables.values())
    whole = replace(definition, variable_definitions=declared)
    return LiftedText("\n\n".join(map(print_ast, (whole, *lifting.fragments.values()))), lifting.values)


class _Lifting:
    """Replaces the literals of one operation.

    `variables` has the definition of each new variable, by type and literal; `values` has the values, by name.
    `fragments` has the changed fragments, by name, in the order in which they are reached.
    """

    def __init__(self, operation: PreparedOperation, kept: Collection[str]) -> None:
        self._operation, self._kept, self._schema = operation, kept, operation.api_schema
        self._prefix = "literal_"
        declared = [each.variable.name.value for each in operation.definition.variable_definitions or ()]
        while any(name.startswith(self._prefix) for name in declared):
            self._prefix += "_"
        self.variables: dict[tuple[str, str], VariableDefinitionNode] = {}
        self.values: dict[str, object] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}

    def definition(self) -> OperationDefinitionNode:
        definition = self._operation.definition
        root = self._schema.get_root_type(definition.operation)
        return replace(definition, selection_set=self._selections(definition.selection_set, root))

    def _selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None) -> SelectionSetNode:
        return SelectionSetNode(selections=tuple([self._selection(each, parent) for each in node.selections]))

    def _selection(
        self, node: object, parent: GraphQLNamedType | None
    ) -> FieldNode | InlineFragmentNode | FragmentSpreadNode:
        match node:
            case FieldNode():
                return self._field(node, parent)
            case InlineFragmentNode():
                inner = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                return replace(node, selection_set=self._selections(node.selection_set, inner))
            case FragmentSpreadNode():
                self._reach(node.name.value)
                return node
        raise TypeError(f"{node!r} is not a selection")

    def _reach(self, name: str) -> None:
        if name not in self.fragments:
            fragment = self.fragments[name] = self._operation.fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self.fragments[name] = replace(fragment, selection_set=self._selections(fragment.selection_set, parent))

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> FieldNode:
        name = node.name.value
        if name.startswith("__") or not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return node
        field = parent.fields[name]
        changes: dict[str, object] = {}
        if node.arguments and name not in self._kept:
            changes["arguments"] = tuple(
                ArgumentNode(name=each.name, value=self._value(each.value, field.args[each.name.value].type))
                for each in node.arguments
            )
        if node.selection_set is not None:
            changes["selection_set"] = self._selections(node.selection_set, get_named_type(field.type))
        return replace(node, **changes) if changes else node  # type: ignore[arg-type]  # the parts keep their types

    def _value(self, value: ValueNode, type_: GraphQLInputType) -> ValueNode:
        if _is_plain(value) and _has_json_values(type_) and not isinstance(value, NullValueNode):
            return self._variable(value, type_)
        inner = get_nullable_type(type_)
        match value:
            case ListValueNode(values=values) if isinstance(inner, GraphQLList):
                return ListValueNode(values=tuple(self._value(each, inner.of_type) for each in values))
            case ObjectValueNode(fields=fields):
                named = get_named_type(type_)  # an object in the place of a list is its only item
                if isinstance(named, GraphQLInputObjectType):
                    return ObjectValueNode(
                        fields=tuple(
                            ObjectFieldNode(
                                name=each.name, value=self._value(each.value, named.fields[each.name.value].type)
                            )
                            for each in fields
                        )
                    )
        return value

    def _variable(self, value: ValueNode, type_: GraphQLInputType) -> VariableNode:
        # A variable of a non-null type may stand wherever its literal stood, also in a field of a `@oneOf` object.
        of_type = GraphQLNonNull(get_nullable_type(type_))
        key = (str(of_type), print_ast(value))
        known = self.variables.get(key)
        if known is None:
            variable = VariableNode(name=NameNode(value=f"{self._prefix}{len(self.variables)}"))
            known = self.variables[key] = VariableDefinitionNode(
                variable=variable, type=parse_type(key[0], no_location=True)
            )
            self.values[variable.name.value] = _coerced(value, type_)
        return known.variable


def _is_plain(value: ValueNode) -> bool:
    """Return whether a value consists of leaves alone: a leaf, or a list of leaves, nulls and such lists."""
    if isinstance(value, ListValueNode):
        return all(isinstance(each, NullValueNode) or _is_plain(each) for each in value.values)
    return value.kind in _LEAVES


def _has_json_values(type_: GraphQLInputType) -> bool:
    """Return whether each literal of the type has one JSON value: an enum, or a scalar of the specification."""
    named = get_named_type(type_)
    return isinstance(named, GraphQLEnumType) or named.name in specified_scalar_types


def _coerced(value: ValueNode, type_: GraphQLInputType) -> object:
    """Return the JSON value of a valid plain literal, as if it had been sent as a variable and coerced to the type."""
    inner = get_nullable_type(type_)
    if isinstance(value, NullValueNode):
        return None
    if isinstance(inner, GraphQLList):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return [_coerced(each, inner.of_type) for each in items]
    if isinstance(value, IntValueNode):
        return value.value if get_named_type(type_).name == "ID" else int(value.value)
    return Decimal(value.value) if isinstance(value, FloatValueNode) else getattr(value, "value", None)
