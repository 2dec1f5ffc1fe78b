"""Which operation of a document runs (GraphQL specification, "GetOperation")."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse

from router.errors import UnknownOperation
from router.get_operation import get_operation, spread_names

SCHEMA = build_schema("type Query { a: Int }")
TWO = "query One { a } query Two { a ...F } fragment F on Query { a }"


def test_the_only_operation_needs_no_name() -> None:
    chosen = get_operation(SCHEMA, parse("{ a }"))
    assert chosen.definition.name is None
    assert chosen.fragments == {}
    assert chosen.api_schema is SCHEMA


def test_a_name_chooses_one_of_several() -> None:
    chosen = get_operation(SCHEMA, parse(TWO), "Two")
    assert chosen.definition.name is not None
    assert chosen.definition.name.value == "Two"
    assert list(chosen.fragments) == ["F"]


@pytest.mark.parametrize(
    ("document", "name", "message"),
    [
        (TWO, None, "several operations"),
        (TWO, "Three", "has no operation with the name"),
        ("{ a }", "One", "has no operation with the name"),
        ("fragment F on Query { a }", None, "no operation"),
    ],
)
def test_a_choice_that_is_not_clear_is_refused(document: str, name: str | None, message: str) -> None:
    with pytest.raises(UnknownOperation, match=message):
        get_operation(SCHEMA, parse(document), name)


def test_the_fragments_of_an_operation_are_found_at_any_depth() -> None:
    chosen = get_operation(SCHEMA, parse("{ ...F ... { a ...G } } fragment F on Query { ...H }"))
    assert spread_names(chosen.definition) == ["F", "G"]
    assert spread_names(chosen.fragments["F"]) == ["H"]
