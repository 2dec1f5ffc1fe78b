"""Pages of a list: every row once in both directions; cursors cannot be forged.

Covers `subgraphs/kit/pages.py`, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.errors import BadUserInput
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.pages import MAX_PAGE
from tests.subgraphs.kit.library import CODEC, TITLES

if TYPE_CHECKING:
    from tests.subgraphs.support import GraphQLClient

PAGE = "{ nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }"


async def walk(client: GraphQLClient, size: str, onwards: str, more: str, cursor: str) -> list[list[str]]:
    pages, position = [], ""
    while True:
        books: dict[str, Any] = (await client.execute(f"{{ books({size}: 2{position}) {PAGE} }}")).ok()["books"]
        pages.append([node["id"] for node in books["nodes"]])
        if not books["pageInfo"][more]:
            return pages
        position = f', {onwards}: "{books["pageInfo"][cursor]}"'


async def test_forwards_every_row_comes_once_in_order(client: GraphQLClient) -> None:
    pages = await walk(client, "first", "after", "hasNextPage", "endCursor")
    assert pages == [list(TITLES[:2]), list(TITLES[2:4]), list(TITLES[4:])]


async def test_backwards_every_row_comes_once_and_pages_keep_list_order(client: GraphQLClient) -> None:
    pages = await walk(client, "last", "before", "hasPreviousPage", "startCursor")
    assert pages == [list(TITLES[3:]), list(TITLES[1:3]), list(TITLES[:1])]


async def test_the_whole_list_fits_one_page_without_arguments(client: GraphQLClient) -> None:
    books = (await client.execute(f"{{ books {PAGE} }}")).ok()["books"]
    assert [node["id"] for node in books["nodes"]] == list(TITLES)
    assert books["totalCount"] == len(TITLES)
    assert (books["pageInfo"]["hasNextPage"], books["pageInfo"]["hasPreviousPage"]) == (False, False)


async def test_an_empty_page_has_no_cursors(client: GraphQLClient) -> None:
    books = (await client.execute(f"{{ books(first: 0) {PAGE} }}")).ok()["books"]
    assert books["nodes"] == []
    assert (books["pageInfo"]["startCursor"], books["pageInfo"]["endCursor"]) == (None, None)
    assert books["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        "first: -1",
        f"first: {MAX_PAGE + 1}",
        "last: -1",
        f"last: {MAX_PAGE + 1}",
        "first: 1, last: 1",
        'after: ""',
        'after: "forged"',
        'before: "%%%"',
        'after: "' + "A" * 600 + '"',
    ],
)
async def test_an_impossible_page_is_an_error_of_the_client(client: GraphQLClient, arguments: str) -> None:
    response = await client.execute(f"{{ books({arguments}) {PAGE} }}")
    assert response.codes == ["BAD_USER_INPUT"]


@given(st.tuples(st.text()))
def test_a_cursor_decodes_to_its_sort_key(key: tuple[str]) -> None:
    cursor = CODEC.encode(key)
    if len(cursor) <= 512:
        assert CODEC.decode(cursor, "after") == key


@given(st.text(), st.binary())
def test_a_forged_cursor_is_refused(text: str, key: bytes) -> None:
    for forged in (text, CursorCodec(b"other" + key, width=1).encode(("book 1",))):
        with pytest.raises(BadUserInput):
            CODEC.decode(forged, "after")


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(BadUserInput):
        CODEC.decode(CursorCodec(b"k" * 32, width=2).encode(("a", "b")), "after")
