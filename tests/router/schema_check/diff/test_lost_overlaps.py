"""Fragments of an abstract type inside another one, after their last common object type was lost."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse

from router.schema_check.diff.compare_schemas import compare_schemas
from router.schema_check.impact_on_known_operations import find_impact
from router.schema_check.operations.known_operations import KnownOperation

OLD = """
    type Query { u: U node: Node b: B }
    interface Node { id: ID }
    type A implements Node { id: ID }
    type B { x: Int }
    union U = A | B
"""
WITHOUT_A = OLD.replace("type A implements Node { id: ID }", "").replace("A | B", "B")
LEFT_UNION = OLD.replace("A | B", "B")
LEFT_INTERFACE = OLD.replace("A implements Node", "A")
BOTH = OLD.replace("type B {", "type C implements Node { id: ID } type B {").replace("A | B", "A | B | C")


def broken(old: str, new: str, query: str) -> list[str]:
    """The changes that break an operation."""
    before, after = build_schema(old), build_schema(new)
    known = [KnownOperation("q", "q.graphql:1", parse(query))]
    impact = find_impact(before, after, compare_schemas(before, after), known)
    return sorted(change.id for each in impact.broken for change in each.changes)


@pytest.mark.parametrize("query", ["{ u { ... on Node { id } } }", "{ node { ... on U { __typename } } }"])
@pytest.mark.parametrize(
    ("new", "causes"),
    [
        (WITHOUT_A, ["TYPE_REMOVED:A", "UNION_MEMBER_REMOVED:U:A"]),
        (LEFT_UNION, ["UNION_MEMBER_REMOVED:U:A"]),
        (LEFT_INTERFACE, ["INTERFACE_REMOVED:A:Node"]),
    ],
)
def test_a_fragment_without_a_common_type_is_broken(new: str, causes: list[str], query: str) -> None:
    assert broken(OLD, new, query) == causes


@pytest.mark.parametrize("query", ["{ u { ... on Node { id } } }", "{ node { ... on U { __typename } } }"])
def test_a_fragment_with_another_common_type_is_not_broken(query: str) -> None:
    new = BOTH.replace("A | B | C", "B | C")
    assert broken(BOTH, new, query) == []


def test_operations_that_use_neither_type_are_not_affected() -> None:
    before, after = build_schema(OLD), build_schema(WITHOUT_A)
    known = [KnownOperation("q", "q.graphql:1", parse("{ b { x } }"))]
    assert find_impact(before, after, compare_schemas(before, after), known).affected == {}
