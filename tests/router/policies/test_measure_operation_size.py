from __future__ import annotations

import pytest
from graphql import DocumentNode, get_introspection_query, parse

from router.policies.measure_operation_size import Size, distinct_fields, fragments_of, measure, operations_of

QUERY = """
query Q @a { x: f { g @b(c: 1) @d { h } ...F } ... on T @e { k ...F } }
fragment F on T { m { n { o: p } } }
"""
ENOUGH = 1_000


def distinct(text: str, stop: int = ENOUGH) -> int:
    document = parse(text)
    (operation,) = operations_of(document)
    return distinct_fields(operation, fragments_of(document), stop)


def introspection_depth(document: DocumentNode) -> int:
    return max(size.introspection_depth for size in measure(document))


def test_everything_is_counted_through_fragments() -> None:
    (size,) = measure(parse(QUERY))
    assert size == Size(depth=4, fields=10, aliases=3, directives=4, root_fields=3)


def test_every_operation_is_measured() -> None:
    assert [size.root_fields for size in measure(parse("query A { a } query B { a b }"))] == [1, 2]


def test_an_exponential_expansion_is_counted_in_linear_time() -> None:
    fragments = " ".join(f"fragment F{index} on T {{ ...F{index + 1} ...F{index + 1} }}" for index in range(200))
    (size,) = measure(parse(f"{{ ...F0 }} {fragments} fragment F200 on T {{ x }}"))
    assert size.fields == 2**200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ a b }", 2),
        ("{ a x: a y: a }", 1),
        ("{ a { b } x: a { b c } }", 3),
        ("{ a { c } b { c } }", 4),
        ("{ a { b } ...F ... on Query { a { d } } } fragment F on Query { a { b c } }", 4),
        ("{ ...F } fragment F on T { ...F a }", 1),
        ("{ ...Missing a }", 1),
    ],
)
def test_fields_of_one_name_at_one_place_are_one(text: str, expected: int) -> None:
    assert distinct(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{ ...F } fragment F on T { a { ...F } }", id="a fragment within itself"),
        pytest.param(
            "{ ...F0 } "
            + " ".join(f"fragment F{i} on T {{ a {{ ...F{i + 1} }} b {{ ...F{i + 1} }} }}" for i in range(100))
            + " fragment F100 on T { x }",
            id="an exponential expansion",
        ),
    ],
)
def test_counting_places_without_end_ends(text: str) -> None:
    assert ENOUGH < distinct(text) <= ENOUGH + 2


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("{ __schema { types { name } } }", 0),
        ("{ __schema { types { fields { name } } } }", 1),
        ("{ __schema { types { fields { type { fields { type { interfaces { name } } } } } } } }", 3),
        ('{ __type(name: "T") { ...F } } fragment F on __Type { fields { type { inputFields { name } } } }', 2),
        ("{ fields { fields { interfaces { possibleTypes } } } }", 0),
        ("{ a { fields { __typename } } __schema { types { fields { name } } } }", 1),
    ],
)
def test_lists_of_introspection_are_counted_below_its_roots_only(text: str, depth: int) -> None:
    assert introspection_depth(parse(text)) == depth


def test_the_introspection_of_every_tool_is_within_the_default() -> None:
    query = get_introspection_query(input_value_deprecation=True, specified_by_url=True, schema_description=True)
    assert introspection_depth(parse(query)) == 1
