from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Request

from subgraphs.kit.request_body import BodyTooLarge, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator


def request(chunks: Iterator[bytes]) -> Request:
    async def receive() -> dict[str, Any]:
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def test_a_body_of_the_limit_is_read_whole() -> None:
    assert await read_body(request(iter([b"ab", b"", b"cd"])), 4) == b"abcd"


async def test_a_larger_body_is_refused_without_reading_the_rest() -> None:
    chunks = iter([b"ab", b"cde", b"rest"])
    with pytest.raises(BodyTooLarge):
        await read_body(request(chunks), 4)
    assert list(chunks) == [b"rest"]
