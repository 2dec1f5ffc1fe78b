"""Constant values and the types that they fit.

Covers `router/composition/const_value_nodes.py`, `router/composition/literal_type_check.py` and
`router/composition/find_surrogates.py`.
"""

from __future__ import annotations

import pytest
from graphql.language import parse_const_value, parse_type, parse_value, print_ast

from router.composition.const_value_nodes import boolean, enum_value, identity, integer, list_of, python_value, strings
from router.composition.find_surrogates import has_surrogates
from router.composition.literal_type_check import fits_type
from router.composition.type_refs import from_node
from tests.router.composition.schemas import read

SCHEMA = read("type Query { a: Int } enum E { A B } input I { x: Int! y: [E!] } scalar S")


def test_values_are_built_as_they_print() -> None:
    built = list_of([strings(["a"]), boolean(value=True), integer(3), enum_value("E")])
    assert print_ast(built) == '[["a"], true, 3, E]'


@pytest.mark.parametrize(("one", "other"), [("{a: 1, b: [2]}", "{b: [2], a: 1.0}"), ('"x"', '"""x"""')])
def test_values_that_mean_the_same_are_equal(one: str, other: str) -> None:
    assert identity(parse_value(one)) == identity(parse_value(other))


@pytest.mark.parametrize(("one", "other"), [("[1, 2]", "[2, 1]"), ('"A"', "A"), ("1", "true"), ("null", "0")])
def test_values_that_mean_something_else_differ(one: str, other: str) -> None:
    assert identity(parse_value(one)) != identity(parse_value(other))


def test_constants_become_python_values() -> None:
    assert python_value(parse_const_value('{a: [1, 2.5, "x", E, true, null]}')) == {"a": [1, 2.5, "x", "E", True, None]}
    assert python_value(None) is None


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("1", "Int!"),
        ("1", "[Int]"),
        ("1", "Float"),
        ("1", "ID"),
        ("null", "Int"),
        ("A", "E"),
        ('"A"', "E"),
        ("{y: [A]}", "I"),
        ("{anything: [1]}", "S"),
    ],
)
def test_a_literal_fits(value: str, type_: str) -> None:
    assert fits_type(SCHEMA, parse_value(value), from_node(parse_type(type_)))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("null", "Int!"),
        ("2147483648", "Int"),
        ("9" * 5000, "Int"),
        ('"1"', "Int"),
        ("$v", "Int"),
        ("C", "E"),
        ("{z: 1}", "I"),
        ("{y: [null]}", "I"),
        ("[[1]]", "[Int]"),
    ],
)
def test_a_literal_does_not_fit(value: str, type_: str) -> None:
    assert not fits_type(SCHEMA, parse_value(value), from_node(parse_type(type_)))


def test_halves_of_surrogate_pairs_are_found() -> None:
    assert has_surrogates("a\ud800b")
    assert not has_surrogates("a\N{GRINNING FACE}b")
