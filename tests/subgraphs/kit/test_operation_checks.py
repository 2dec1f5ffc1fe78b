"""What is refused before anything is executed, with which code."""

from __future__ import annotations

from typing import Any

import pytest

from subgraphs.kit.operation_checks import (
    MAX_VALIDATION_ERRORS,
    InvalidDocument,
    OperationNotFound,
    check_operation,
    read_operation,
)
from subgraphs.kit.request_limits import RequestLimits
from tests.subgraphs.kit.library import SCHEMA


def codes(text: str, variables: dict[str, Any] | None = None, limits: RequestLimits | None = None) -> list[object]:
    """The codes of the errors; empty for an operation that may be executed."""
    try:
        check_operation(SCHEMA.graphql, read_operation(text, None), variables or {}, limits or RequestLimits())
    except InvalidDocument as refused:
        return [(error.extensions or {}).get("code") for error in refused.errors]
    return []


def test_a_usual_operation_passes() -> None:
    assert codes("{ books(first: 100) { nodes { id price } pageInfo { endCursor } totalCount } me }") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ echo(amount: 1) }", "BAD_USER_INPUT"),
        ("{ " + " ".join(f"a{i}: me" for i in range(31)) + " }", "MAX_ALIASES_LIMIT"),
        ("{ books { nodes { id } } ...F } fragment F on Query { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{a" * 13 + "}" * 13, "MAX_DEPTH_LIMIT"),
        ("{ " + "me " * 1_501 + "}", "MAX_FIELDS_LIMIT"),
        ("{ " + "a: books(first: 100) { nodes { id } edges { node { id } } } " * 8 + "}", "QUERY_TOO_EXPENSIVE"),
    ],
    ids=["unknown", "literal", "aliases", "cycle", "depth", "fields", "objects"],
)
def test_the_first_limit_that_is_exceeded_is_named(text: str, code: str) -> None:
    assert codes(text)[0] == code


def test_a_chain_of_fragments_too_long_for_the_stack_is_too_deep() -> None:
    chain = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} }}" for i in range(600))
    assert codes(f"{{ ...F0 }} {chain}") == ["MAX_DEPTH_LIMIT"]


def test_a_wrong_document_has_a_bounded_number_of_errors() -> None:
    assert len(codes("{ " + " ".join(f"no{i}" for i in range(1_000)) + " }")) == MAX_VALIDATION_ERRORS + 1


def test_an_expensive_operation_is_refused_with_its_estimate() -> None:
    with pytest.raises(InvalidDocument) as caught:
        check_operation(
            SCHEMA.graphql, read_operation("{ books { nodes { id } } }", None), {}, RequestLimits(objects=20)
        )
    (error,) = caught.value.errors
    assert error.extensions == {"code": "QUERY_TOO_EXPENSIVE", "estimate": 21, "limit": 20}


def test_too_many_values_of_variables_are_refused_before_they_are_coerced() -> None:
    assert codes("query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }", {"r": [0] * 100_000}) == [
        "BAD_USER_INPUT"
    ]


def test_more_tokens_than_allowed_end_the_parser() -> None:
    with pytest.raises(InvalidDocument, match="tokens"):
        read_operation("{ " + "a " * 10_000 + "}", None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("query A { me } query B { me }", None),
        ("query A { me } query B { me }", "C"),
        ("{ me }", "A"),
        ("fragment F on Query { me }", None),
    ],
)
def test_an_operation_that_is_not_there_or_not_named_is_not_found(text: str, name: str | None) -> None:
    with pytest.raises(OperationNotFound):
        read_operation(text, name)


def test_the_named_operation_is_read() -> None:
    assert read_operation("query A { me } query B { me }", "B").name == "B"
    assert read_operation("query A { me }", None).name == "A"
