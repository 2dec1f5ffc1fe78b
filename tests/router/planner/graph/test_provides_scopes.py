"""`@provides` scopes (planning §3.10, §3.11)."""

from __future__ import annotations

from graphql import OperationDefinitionNode, parse

from router.planner.graph.provides_scopes import Scope, provided_scope, scope_of

POSSIBLE = {"Media": frozenset({"Book", "Film"}), "Book": frozenset({"Book"}), "Film": frozenset({"Film"})}


def scope(selection: str) -> Scope:
    operation = parse(f"{{ {selection} }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return scope_of(operation.selection_set, POSSIBLE.__getitem__)


def names(inner: Scope | None) -> list[str] | None:
    return None if inner is None else [field.name for field in inner]


def test_a_field_leads_to_the_scope_below_it() -> None:
    outer = scope("title author { name email }")
    assert names(outer) == ["title", "author"]
    assert names(provided_scope(outer, "author", POSSIBLE["Book"])) == ["name", "email"]
    assert names(provided_scope(outer, "title", POSSIBLE["Book"])) == []


def test_a_field_that_is_not_provided_has_no_scope() -> None:
    assert provided_scope(scope("title"), "pages", POSSIBLE["Book"]) is None


def test_a_field_in_a_fragment_is_provided_for_its_types_only() -> None:
    outer = scope("... on Media { id ... on Book { pages } }")
    assert names(provided_scope(outer, "pages", POSSIBLE["Book"])) == []
    assert provided_scope(outer, "pages", POSSIBLE["Film"]) is None
    assert provided_scope(outer, "pages", POSSIBLE["Media"]) is None
    assert names(provided_scope(outer, "id", POSSIBLE["Media"])) == []


def test_scopes_of_one_field_in_several_fragments_are_united() -> None:
    outer = scope("author { name } ... on Book { author { email } }")
    assert names(provided_scope(outer, "author", POSSIBLE["Book"])) == ["name", "email"]
    assert names(provided_scope(outer, "author", POSSIBLE["Film"])) == ["name"]
