"""The size of an operation, with its fragments expanded, in linear time."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from subgraphs.kit.operation_size import OperationSize, measure


def size(text: str, number: int = 0) -> OperationSize:
    document = parse(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return measure(document, operations[number])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ a }", OperationSize(depth=1, aliases=0, selections=1)),
        ("{ a { b { c } } d }", OperationSize(depth=3, aliases=0, selections=4)),
        ("{ x: a { y: b } }", OperationSize(depth=2, aliases=2, selections=2)),
        ("{ ... { a } ... on Query { b { c } } }", OperationSize(depth=2, aliases=0, selections=5)),
        ("{ ...F ...F } fragment F on Query { x: a }", OperationSize(depth=1, aliases=2, selections=4)),
        ("{ ...Missing }", OperationSize(depth=0, aliases=0, selections=1)),
        ("{ ...F } fragment F on Query { a ...F }", OperationSize(depth=1, aliases=0, selections=3)),
        ("{ ...F } fragment F on Query { ...G } fragment G on Query { ...F a }", OperationSize(1, 0, 4)),
    ],
)
def test_depth_aliases_and_selections(text: str, expected: OperationSize) -> None:
    assert size(text) == expected


def test_selections_of_all_operations_count_because_all_are_validated() -> None:
    text = "query A { x: a { b } } query B { c }"
    assert size(text, 0) == OperationSize(depth=2, aliases=1, selections=3)
    assert size(text, 1) == OperationSize(depth=1, aliases=0, selections=3)


def test_the_batches_of_a_router_are_no_aliases() -> None:
    text = (
        "{ _e0: _entities(representations: []) { ... on User { x: name } } _e1: _entities(representations: []) { a } }"
    )
    assert size(text).aliases == 1


def test_the_schema_may_be_asked_more_deeply_than_data() -> None:
    assert size("{ __schema { types { fields { type { ofType { ofType { name } } } } } } }").depth == 1


def test_doubling_fragments_are_measured_once_each() -> None:
    """Of 64 levels, each spread would take longer than the age of the universe."""
    levels = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(64))
    assert size(f"{{ ...F0 }} {levels} fragment F64 on Query {{ a }}").selections == 3 * 2**64 - 1


def test_a_long_chain_of_fragments_ends_the_measurement() -> None:
    chain = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} }}" for i in range(2_000))
    with pytest.raises(RecursionError):
        size(f"{{ ...F0 }} {chain}")
