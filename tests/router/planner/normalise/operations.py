"""Operations for the tests of normalisation, on a small schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import build_schema, parse

from router.get_operation import PreparedOperation, get_operation
from router.planner.normalise.merge_selections import NestedSelections, Normaliser
from router.planner.normalise.skip_and_include_guards import ALWAYS

if TYPE_CHECKING:
    from router.planner.normalise.merge_selections import SelectedField

SCHEMA = build_schema(
    """
    directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
    type Query { user: User media(first: Int, after: String): [[Media!]] }
    type User { name: String age: Int friends: [User] }
    interface Media { id: ID next: Media }
    type Book implements Media { id: ID next: Media pages: Int }
    type Film implements Media { id: ID next: Media pages: Int }
    """
)
POSSIBLE = {"Media": frozenset({"Book", "Film"})}


def possible(type_name: str) -> frozenset[str]:
    return POSSIBLE.get(type_name, frozenset({type_name}))


def operation(text: str) -> PreparedOperation:
    return get_operation(SCHEMA, parse(text, no_location=True))


def normaliser(of: PreparedOperation, deferring: frozenset[str] | None = None) -> Normaliser:
    return Normaliser(SCHEMA, of.fragments, possible, deferring)


def items(text: str, type_name: str = "Query") -> tuple[Normaliser, list[SelectedField]]:
    """The selected fields of an operation's root."""
    one = operation(text)
    made = normaliser(one)
    return made, made.selected_fields([NestedSelections(one.definition.selection_set, ALWAYS, type_name)], type_name)
