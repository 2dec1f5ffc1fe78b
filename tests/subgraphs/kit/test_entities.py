"""`_entities` resolves each representation on its own, in order, and hides internal errors.

Covers `subgraphs/kit/schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.subgraphs.support import GraphQLClient

GOOD = {"__typename": "Book", "id": "book 1"}


async def test_entities_keep_the_order_of_the_representations(client: GraphQLClient) -> None:
    response = await client.entities("... on Book { id }", [{**GOOD, "id": "book 3"}, GOOD, {**GOOD, "id": "lost"}])
    assert response.ok() == {
        "_entities": [{"__typename": "Book", "id": "book 3"}, {"__typename": "Book", "id": "book 1"}, None]
    }


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"__typename": "Pamphlet", "id": "book 1"}, "BAD_USER_INPUT"),
        ({"__typename": "Query"}, "BAD_USER_INPUT"),
        ({"__typename": "Decimal"}, "BAD_USER_INPUT"),
        ({"__typename": 7}, "BAD_USER_INPUT"),
        ({"id": "book 1"}, "BAD_USER_INPUT"),
        ({"__typename": "Book"}, "BAD_USER_INPUT"),
        ({"__typename": "Book", "id": 7}, "BAD_USER_INPUT"),
        ({"__typename": "Book", "id": None}, "BAD_USER_INPUT"),
        ("book 1", "BAD_USER_INPUT"),
        ([], "BAD_USER_INPUT"),
        ({"__typename": "Book", "id": "locked"}, "FORBIDDEN"),
        ({"__typename": "Book", "id": "burnt"}, "INTERNAL_SERVER_ERROR"),
    ],
    ids=str,
)
async def test_a_malformed_representation_is_an_error_at_its_index_only(
    client: GraphQLClient, bad: Any, code: str
) -> None:
    response = await client.entities("... on Book { id }", [GOOD, bad, GOOD])
    good = {"__typename": "Book", "id": "book 1"}
    assert response.data == {"_entities": [good, None, good]}
    assert [error["path"] for error in response.errors] == [["_entities", 1]]
    assert response.codes == [code]
    assert "secret" not in str(response.errors)


async def test_a_null_representation_is_refused_by_the_schema(client: GraphQLClient) -> None:
    response = await client.entities("... on Book { id }", [None])  # type: ignore[list-item]  # the bad input
    assert (response.status, response.data) == (400, None)
