from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from graphql import build_schema, parse

from router.errors import InvalidVariables
from router.executor.graphql.variable_coercion import MAX_ERRORS, coerce
from router.get_operation import get_operation

SCHEMA = build_schema("""
  scalar Money
  enum Colour { RED GREEN }
  input Filter { colour: Colour = RED tags: [String!] limit: Int! = 3 deep: Filter name: String }
  input Needy { name: String! }
  input One @oneOf { a: Int b: String }
  type Query { f(a: Filter, i: Int, x: [[Int]], m: Money, d: ID, o: One, n: Needy, l: Float, c: Colour): Int }
""")


def coerced(declaration: str, given: dict[str, object]) -> dict[str, object]:
    document = parse(f"query({declaration}) {{ __typename }}")
    return coerce(get_operation(SCHEMA, document), given)


@pytest.mark.parametrize(
    ("declaration", "given", "sent"),
    [
        ("$v: Int", {}, {}),
        ("$v: Int", {"v": None}, {"v": None}),
        ("$v: Int = 3", {}, {"v": 3}),
        ("$v: Int = 3", {"v": None}, {"v": None}),
        ("$v: Int", {"v": 1, "other": 2}, {"v": 1}),
        ("$v: Int", {"v": Decimal("2.0")}, {"v": 2}),
        ("$v: Float", {"v": 2}, {"v": 2}),
        ("$v: Float", {"v": Decimal("0.10")}, {"v": Decimal("0.10")}),
        ("$v: ID", {"v": 7}, {"v": "7"}),
        ("$v: [Int]", {"v": 7}, {"v": [7]}),
        ("$v: [[Int]]", {"v": 7}, {"v": [[7]]}),
        ("$v: [[Int]]", {"v": [7, [8], None]}, {"v": [[7], [8], None]}),
        ("$v: [Int] = 3", {}, {"v": [3]}),
        ("$v: Colour = GREEN", {}, {"v": "GREEN"}),
        ("$v: Money", {"v": {"amount": Decimal("1.10")}}, {"v": {"amount": Decimal("1.10")}}),
        ("$v: Money = 123456789012345678901234567890", {}, {"v": 123456789012345678901234567890}),
        ("$v: Money = 0.10", {}, {"v": Decimal("0.10")}),
        ("$v: Filter", {"v": {}}, {"v": {}}),
        (
            "$v: Filter",
            {"v": {"tags": "a", "deep": {"colour": "RED"}}},
            {"v": {"tags": ["a"], "deep": {"colour": "RED"}}},
        ),
        ('$v: Filter = {name: "n", tags: ["t"]}', {}, {"v": {"name": "n", "tags": ["t"]}}),
        ("$v: One", {"v": {"a": 1}}, {"v": {"a": 1}}),
    ],
)
def test_a_value_that_fits_is_sent_in_the_form_of_its_type(
    declaration: str, given: dict[str, object], sent: dict[str, object]
) -> None:
    assert coerced(declaration, given) == sent


@pytest.mark.parametrize(
    ("declaration", "given", "place"),
    [
        ("$v: Int!", {}, "'$v' of the required type 'Int!'"),
        ("$v: Int!", {"v": None}, "'$v' must not be null"),
        ("$v: Int! = 3", {"v": None}, "'$v' must not be null"),
        ("$v: Int", {"v": 2147483648}, "'$v' cannot"),
        ("$v: Int", {"v": True}, "'$v' cannot"),
        ("$v: Int", {"v": "1"}, "'$v' cannot"),
        ("$v: Int", {"v": Decimal("1.5")}, "'$v' cannot"),
        ("$v: Int", {"v": Decimal("1e400")}, "'$v' cannot"),
        ("$v: String", {"v": 1}, "'$v' cannot"),
        ("$v: Boolean", {"v": "true"}, "'$v' cannot"),
        ("$v: ID", {"v": Decimal("1.5")}, "'$v' cannot"),
        ("$v: [Int!]", {"v": [1, None]}, "at 'v.1' must not be null"),
        ("$v: Colour", {"v": "BLUE"}, "'$v' is not a value"),
        ("$v: Colour", {"v": ["RED"]}, "'$v' is not a value"),
        ("$v: Filter", {"v": "x"}, "'$v' must be an object"),
        ("$v: Filter", {"v": {"deep": {"unknown": 1}}}, "at 'v.deep' has a field 'unknown'"),
        ("$v: Filter", {"v": {"limit": None}}, "at 'v.limit' must not be null"),
        ("$v: Needy", {"v": {}}, "at 'v.name' of the required type 'String!'"),
        ("$v: One", {"v": {}}, "exactly one"),
        ("$v: One", {"v": {"a": 1, "b": "x"}}, "exactly one"),
        ("$v: One", {"v": {"a": None}}, "exactly one"),
        ("$v: Query", {"v": {}}, "not of an input type"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_place(
    declaration: str, given: dict[str, object], place: str
) -> None:
    with pytest.raises(InvalidVariables) as refusal:
        coerced(declaration, given)
    assert place in refusal.value.message
    assert [error.code for error in refusal.value.errors] == ["VALIDATION_INVALID_TYPE_VARIABLE"]


def test_the_value_itself_is_never_repeated() -> None:
    with pytest.raises(InvalidVariables) as refusal:
        coerced("$password: Int", {"password": "hunter2"})
    assert "hunter2" not in str(refusal.value.errors)


def test_every_place_is_named_up_to_a_limit() -> None:
    with pytest.raises(InvalidVariables) as refusal:
        coerced("$v: [Int!]", {"v": [None] * (MAX_ERRORS + 10)})
    assert len(refusal.value.errors) == MAX_ERRORS


ITEMS = (None, True, 1, 2**40, Decimal("2.0"), Decimal("1.5"), "a", ["a"], {"a": 1})


@pytest.mark.parametrize("type_", ["Int", "Float", "String", "Boolean", "ID", "Money", "Colour", "[String]"])
@pytest.mark.parametrize("mark", ["", "!"])
def test_the_items_of_a_list_are_coerced_like_single_values(type_: str, mark: str) -> None:
    for items in product(ITEMS, repeat=2):
        expected: list[object] = []
        try:
            expected += [coerced(f"$v: {type_}{mark}", {"v": item})["v"] for item in items]
        except InvalidVariables:
            with pytest.raises(InvalidVariables):
                coerced(f"$v: [{type_}{mark}]", {"v": list(items)})
        else:
            got = coerced(f"$v: [{type_}{mark}]", {"v": list(items)})["v"]
            assert isinstance(got, list)
            assert (got, list(map(type, got))) == (expected, list(map(type, expected)))
