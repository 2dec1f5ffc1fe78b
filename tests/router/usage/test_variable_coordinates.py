"""What values of variables use: presence and enum values, nothing else."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse

from router.usage.variable_coordinates import input_variables, variable_coordinates
from tests.router.usage.recording import SCHEMA


def found(signature: str, values: dict[str, object]) -> set[str]:
    definition = parse(f"query ({signature}) {{ __typename }}").definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return variable_coordinates(input_variables(SCHEMA, definition), values)


@pytest.mark.parametrize(
    ("signature", "values", "expected"),
    [
        ("$f: Filter", {"f": {"text": "secret"}}, {"Filter", "Filter.text"}),
        ("$f: Filter", {"f": {"text": None}}, {"Filter", "Filter.text"}),
        ("$f: Filter", {"f": {}}, {"Filter"}),
        ("$f: Filter", {"f": None}, set()),
        ("$f: Filter", {}, set()),
        ("$f: Filter!", {"f": {"genre": "POEM"}}, {"Filter", "Filter.genre", "Genre", "Genre.POEM"}),
        (
            "$f: [Filter!]",
            {"f": [{"ids": []}, {"nested": {"text": ""}}]},
            {"Filter", "Filter.ids", "Filter.nested", "Filter.text"},
        ),
        ("$f: [Filter]", {"f": {"ids": []}}, {"Filter", "Filter.ids"}),
        ("$g: [[Genre]]", {"g": [["POEM"], "OTHER"]}, {"Genre", "Genre.POEM", "Genre.OTHER"}),
        ("$g: Genre", {"g": "secret"}, set()),
        ("$g: Genre", {"g": {"secret": 1}}, set()),
        ("$f: Filter", {"f": {"secret": 1}}, {"Filter"}),
        ("$id: ID, $any: Any", {"id": "secret", "any": {"secret": 1}}, set()),
    ],
)
def test_only_known_names_are_found(signature: str, values: dict[str, object], expected: set[str]) -> None:
    assert found(signature, values) == expected


def test_only_variables_of_input_types_and_enums_are_looked_at() -> None:
    definition = parse("query ($a: ID, $b: [Filter!]!, $c: Any, $d: Genre) { __typename }").definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    assert [name for name, _ in input_variables(SCHEMA, definition)] == ["b", "d"]


def test_deep_values_need_no_deep_stack() -> None:
    value: dict[str, object] = {}
    for _ in range(50_000):
        value = {"nested": value}
    assert found("$f: Filter", {"f": value}) == {"Filter", "Filter.nested"}
    while value:  # so that the end of the test does not need a deep stack either
        value = value.pop("nested")  # type: ignore[assignment]
