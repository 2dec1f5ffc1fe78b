"""The bank's scalars as literals and as variables: accepted, refused and printed values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.subgraphs.support import GraphQLClient

TYPES = {"amount": "Decimal", "currency": "Currency", "at": "DateTime", "metadata": "Metadata"}

ACCEPTED = [
    ("amount", "1.00", "[Decimal('1.00')]"),
    ("amount", "100", "[Decimal('100')]"),
    ("currency", "EUR", "['EUR']"),
    ("at", "2026-01-31T10:30:00+01:00", "[datetime.datetime(2026, 1, 31, 9, 30, tzinfo=datetime.timezone.utc)]"),
    ("metadata", {"note": "rent"}, "[{'note': 'rent'}]"),
    ("metadata", {}, "[{}]"),
    ("amount", None, "[None]"),
]

REFUSED: dict[str, tuple[Any, ...]] = {
    "amount": (
        *(1, 1.5, True, [], {}),
        *("1e2", "NaN", "Infinity", "-1.00", "+1", "0.00", "1_000", " 1", "01", "", "\u0661"),
        *("1" * 40, "1." + "0" * 9),
    ),
    "currency": ("eur", "EURO", "XXX", "", 978),
    "at": ("2026-01-31", "2026-01-31T09:30:00", "2026-02-30T00:00:00Z", 0, ""),
    "metadata": (
        *("text", [], {"a": 1}, {"a": None}, {"a": {"b": "c"}}),
        {str(number): "" for number in range(21)},
        {"a": "x" * 2048},
    ),
}


def literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


@pytest.mark.parametrize(("argument", "value", "seen"), ACCEPTED, ids=str)
async def test_a_value_is_read_as_variable_and_as_literal(
    client: GraphQLClient, argument: str, value: Any, seen: str
) -> None:
    query = f"query ($v: {TYPES[argument]}) {{ echo({argument}: $v) }}"
    assert (await client.execute(query, {"v": value})).ok() == {"echo": seen}
    assert (await client.execute(f"{{ echo({argument}: {literal(value)}) }}")).ok() == {"echo": seen}


@pytest.mark.parametrize(
    ("argument", "value"),
    [(argument, value) for argument, refused in REFUSED.items() for value in refused],
    ids=lambda value: repr(value)[:30],
)
async def test_a_value_in_another_form_is_refused(client: GraphQLClient, argument: str, value: Any) -> None:
    response = await client.execute(f"query ($v: {TYPES[argument]}) {{ echo({argument}: $v) }}", {"v": value})
    assert (response.status, response.codes) == (400, ["BAD_USER_INPUT"])


async def test_a_variable_inside_metadata_is_checked(client: GraphQLClient) -> None:
    query = "query ($note: String) { echo(metadata: {note: $note}) }"
    assert (await client.execute(query, {"note": "rent"})).ok() == {"echo": "[{'note': 'rent'}]"}


async def test_values_are_printed_in_one_form(client: GraphQLClient) -> None:
    response = await client.execute("{ books(first: 1) { nodes { price currency printedAt } } }")
    (node,) = response.ok()["books"]["nodes"]
    assert node == {"price": "1.50", "currency": "EUR", "printedAt": "2026-01-31T09:30:00.123Z"}
