"""Fetches for tests, which are easier to write as text: the structured selections are read from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphql import BooleanValueNode, FieldNode, InlineFragmentNode, OperationDefinitionNode, VariableNode, parse

from router.plan import Fetch, OutputField, OutputFragment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DirectiveNode, SelectionSetNode, ValueNode

    from router.plan import OperationKind, OutputSelection


def fetch(number: int, service: str, operation: str, kind: OperationKind = "query", **more: Any) -> Fetch:
    """A fetch with the selections of its text."""
    return with_selections(Fetch(number, service, operation, kind, **more))


def with_selections(one: Fetch) -> Fetch:
    """The fetch with the selections of its text: those of its entities, if it is an entity fetch."""
    return replace(one, selections=selections_of(one.operation, entities=bool(one.requires)))


def selections_of(operation: str, *, entities: bool) -> tuple[OutputSelection, ...]:
    """What an operation selects on its root, or on the entities of its only root field; without named fragments."""
    definition = parse(operation, no_location=True).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    selected = tuple(_selections(definition.selection_set))
    if entities:
        assert isinstance(selected[0], OutputField)
        return selected[0].selections
    return selected


def _selections(selection_set: SelectionSetNode) -> Iterator[OutputSelection]:
    for node in selection_set.selections:
        guards = [one for one in node.directives or () if one.name.value in ("skip", "include")]
        if any(_never_holds(one) for one in guards):
            continue
        conditions = tuple(_condition(one) for one in guards if isinstance(_value(one), VariableNode))
        match node:
            case FieldNode():
                below = () if node.selection_set is None else tuple(_selections(node.selection_set))
                key = (node.alias or node.name).value
                yield OutputField(key, node.name.value, below, conditions, tuple(node.arguments or ()))
            case InlineFragmentNode(type_condition=condition):
                name = None if condition is None else condition.name.value
                yield OutputFragment(name, tuple(_selections(node.selection_set)), conditions)


def _value(directive: DirectiveNode) -> ValueNode:
    (argument,) = directive.arguments or ()
    return argument.value


def _never_holds(directive: DirectiveNode) -> bool:
    """Whether the condition is a constant that excludes the selection; Apollo's planner writes such conditions."""
    value = _value(directive)
    return isinstance(value, BooleanValueNode) and value.value is not (directive.name.value == "include")


def _condition(directive: DirectiveNode) -> tuple[str, bool]:
    value = _value(directive)
    assert isinstance(value, VariableNode)
    return value.name.value, directive.name.value == "include"
