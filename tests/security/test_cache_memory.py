"""Attacks on memory: many different large documents leave no more behind than the caches may hold.

Fails on the code of before: caches counted characters of text, but a megabyte of short comments holds 90 MB.
"""

from __future__ import annotations

import gc
import hashlib
from typing import TYPE_CHECKING, Any, Final

import psutil
import pytest

from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Callable

BODY: Final = 1_900_000
BOUND: Final = 8_000_000
# The allocator keeps what one large request needed, and the interpreter its own lists of free objects.
MARGIN: Final = 60_000_000


async def people(request: SubgraphRequest) -> SubgraphResponse:
    del request
    return SubgraphResponse.of({"data": {"me": {"id": "1"}, "rename": {"id": "1"}}})


def one_comment(number: int) -> str:
    return f"{{ a{number}: me {{ id }} }} #" + "x" * BODY


def short_comments(number: int) -> str:
    return f"{{ a{number}: me {{ id }} }}\n" + "#\n" * (BODY // 2)


def default_value(number: int) -> str:
    return f'mutation($name: String! = "{number}{"x" * BODY}") {{ rename(name: $name) {{ id }} }}'


def literal(number: int) -> str:
    return f'mutation {{ rename(name: "{number}{"é" * (BODY // 2)}") {{ id }} }}'


def invalid(number: int) -> str:
    return f"{{ nothing{number} }} #{'x' * BODY}"


def many_fields(number: int) -> str:
    return "{ me { " + " ".join(f"a{number}x{index}: name" for index in range(700)) + " } }"


def long_list(number: int) -> str:
    return f"query($x{number}: [Int] = [{'1 ' * 14_000}]) {{ me {{ id }} }}"


def resident() -> int:
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size


@pytest.mark.parametrize(
    ("document", "count"),
    [
        (one_comment, 45),
        (short_comments, 20),
        (default_value, 8),
        (literal, 8),
        (invalid, 20),
        (many_fields, 12),
        (long_list, 8),
    ],
)
async def test_large_documents_leave_no_more_than_the_bound(document: Callable[[int], str], count: int) -> None:
    gateway = Gateway.from_supergraph(SDL, read(f"cache: {{memory_bytes: {BOUND}}}", {}), send=people)
    gateway.warm_up()
    for number in range(3):
        await gateway.execute(GraphQLRequest(query=document(number)))
    before = resident()
    for number in range(count):
        await gateway.execute(GraphQLRequest(query=document(number)))
    assert resident() - before < 2 * BOUND + MARGIN
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        assert cache.weight <= BOUND
    await gateway.aclose()


async def test_a_document_of_comments_is_too_large() -> None:
    gateway = Gateway.from_supergraph(SDL, read("", {}), send=people)
    body: Any = (await gateway.execute(GraphQLRequest(query=short_comments(1)))).body
    assert body["errors"][0]["extensions"]["code"] == "MAX_TOKENS_LIMIT"


async def test_registered_documents_use_no_more_memory_than_the_bound() -> None:
    gateway = Gateway.from_supergraph(SDL, read(f"apq: {{enabled: true, text_bytes: {BOUND}}}", {}), send=people)
    before = resident()
    for number in range(12):
        text = f"{{ a{number}: me {{ id }} }} #" + "\U0001f600" * (BODY)  # four bytes a character in memory
        digest = hashlib.sha256(text.encode()).hexdigest()
        await gateway.execute(GraphQLRequest(query=text, document_id=digest))
    assert resident() - before < BOUND + 2 * 50_000_000 + MARGIN
    await gateway.aclose()
