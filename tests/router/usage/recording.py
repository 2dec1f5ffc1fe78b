"""A router that records usage to its own store, without HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from graphql import build_schema, parse

from router.gateway import Gateway
from router.policies.usage_recording import UsageRecording
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.usage.open_store import open_store
from router.usage.usage_data import Client, Counts, RecordedOperation, UsageBatch, UsageWindow, operation_id
from router.usage.used_coordinates import used_coordinates
from tests.router.shop import Shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.request.request_and_response import GraphQLResponse
    from router.usage.recorder import UsageRecorder
    from router.usage.usage_store import UsageStore

ALWAYS: Final = UsageWindow(0.0)
SCHEMA: Final = build_schema("""
    type Query { book(id: ID, filter: Filter): Book  books(genre: Genre = NOVEL, any: Any): [Book!]! }
    type Book { id: ID! title: String author: Author }
    type Author { name: String }
    input Filter { genre: Genre, nested: Filter, ids: [ID!], text: String }
    enum Genre { NOVEL POEM OTHER }
    scalar Any
""")


def recorder_of(gateway: Gateway) -> UsageRecorder:
    stage = gateway.stages.find(UsageRecording)
    assert stage is not None
    return stage.recorder


@asynccontextmanager
async def recording(sdl: str, file: Path, extra: str = "") -> AsyncIterator[Gateway]:
    """A gateway that writes to `file` when it is closed."""
    gateway = Gateway.from_supergraph(sdl, read(f"usage: {{enabled: true, file: {file}{extra}}}", {}), send=Shop())
    try:
        yield gateway
    finally:
        await gateway.aclose()


async def ask(gateway: Gateway, query: str, client: str = "", **parts: Any) -> GraphQLResponse:
    headers = {"apollographql-client-name": client, "apollographql-client-version": "1"} if client else {}
    return await gateway.execute(GraphQLRequest(query=query, headers=headers, **parts))


@asynccontextmanager
async def opened(location: str) -> AsyncIterator[UsageStore]:
    store = await open_store(location)
    try:
        yield store
    finally:
        await store.close()


def operation(text: str, name: str = "", kind: str = "query") -> RecordedOperation:
    """Return an operation on `SCHEMA` as a router records it."""
    uses = used_coordinates(SCHEMA, parse(text), frozenset())
    return RecordedOperation(operation_id(text), name, kind, text, uses)


def batch(minute: int, *sent: tuple[RecordedOperation, Client, int]) -> UsageBatch:
    """Return a batch with requests of operations, all in one minute, each of 10 ms."""
    found = UsageBatch()
    for each, client, requests in sent:
        found.operations[each.id] = each
        found.clients.add(client)
        counts = Counts(requests, 0, requests * 0.01)
        counts.buckets[3] = requests
        found.counts[(minute, each.id, client)] = counts
    return found
