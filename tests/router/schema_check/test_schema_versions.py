from __future__ import annotations

import json

import httpx
import pytest
from graphql import build_schema, graphql_sync, print_schema

from router.schema_check.schema_sources import UnreadableSchema
from router.schema_check.schema_versions import read_url

SCHEMA = build_schema('type Query { "What it is." a(x: In = {y: 1}): Int } input In { y: Int }')


def introspectable(request: httpx.Request) -> httpx.Response:
    result = graphql_sync(SCHEMA, json.loads(request.content)["query"])
    return httpx.Response(200, json=result.formatted)


async def test_a_running_service_is_introspected() -> None:
    version = await read_url("http://user:secret@s.example/graphql", 5, httpx.MockTransport(introspectable))
    assert print_schema(version.schema) == print_schema(SCHEMA)
    assert version.label == "http://s.example/graphql"


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(404),
        httpx.Response(200, json={"errors": [{"message": "introspection is disabled"}]}),
        httpx.Response(200, json={"data": {"__schema": {"types": []}}}),
        httpx.Response(200, json={"data": None}),
        httpx.Response(200, json=[]),
    ],
)
async def test_a_service_without_introspection(response: httpx.Response) -> None:
    with pytest.raises(UnreadableSchema, match="allow introspection there, or name a file or a commit"):
        await read_url("http://s.example/graphql", 5, httpx.MockTransport(lambda _: response))
