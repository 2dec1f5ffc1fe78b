"""Ids of documents, from wherever a request may name one, through the application to `execute`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import AsgiClient, AsgiResponse

if TYPE_CHECKING:
    from pathlib import Path

HASH = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}}
APQ = "apq: {enabled: true}"


class Recorder:
    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []

    async def __call__(self, request: GraphQLRequest) -> GraphQLResponse:
        self.requests.append(request)
        return GraphQLResponse(body={"data": None}, outcome=Outcome.EXECUTED, record=RequestRecord())

    @property
    def ids(self) -> list[str | None]:
        return [request.document_id for request in self.requests]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def client(recorder: Recorder, settings: str) -> AsgiClient:
    return AsgiClient(GraphQLApp(recorder, read(settings, {})))


def listed(tmp_path: Path, more: str = "") -> str:
    (tmp_path / "list.json").write_text("{}")
    return f"persisted_documents: {{mode: measure, manifests: ['{tmp_path}/list.json']{more}}}"


async def ask(client: AsgiClient, method: str, parameters: dict[str, Any], path: str = "/graphql") -> AsgiResponse:
    """The same parameters in a body, or in a query string."""
    if method == "POST":
        headers = {"content-type": "application/json"}
        response = await client.send("POST", path, headers=headers, body=[json.dumps(parameters).encode()])
    else:
        query = urlencode({name: v if isinstance(v, str) else json.dumps(v) for name, v in parameters.items()})
        response = await client.send("GET", path, query=query)
    assert response is not None
    return response


@pytest.mark.parametrize(
    ("more", "parameters", "path"),
    [
        ("", {"documentId": "abc"}, "/graphql"),
        ("", HASH, "/graphql"),
        (", parameters: [doc_id]", {"doc_id": "abc"}, "/graphql"),
        (", parameters: [doc_id, id]", {"id": "abc"}, "/graphql"),
        (", url_path: true", {}, "/graphql/abc"),
        (", url_path: true", {"documentId": "abc"}, "/graphql/abc"),
    ],
)
async def test_an_id_is_found_where_the_settings_say(
    recorder: Recorder, tmp_path: Path, more: str, parameters: dict[str, Any], path: str
) -> None:
    for method in ("GET", "POST"):
        assert (await ask(client(recorder, listed(tmp_path, more)), method, parameters, path)).status == 200
    assert recorder.ids == ["abc", "abc"]
    assert {request.query for request in recorder.requests} == {""}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_with_apq_the_hash_is_the_id(recorder: Recorder, method: str) -> None:
    assert (await ask(client(recorder, APQ), method, HASH)).status == 200
    assert (await ask(client(recorder, APQ), method, {"query": "q", **HASH})).status == 200
    assert [(request.query, request.document_id) for request in recorder.requests] == [("", "abc"), ("q", "abc")]


@pytest.mark.parametrize(
    ("more", "parameters", "path", "expected"),
    [
        (", parameters: []", {"documentId": "abc"}, "/graphql", (400, "BAD_REQUEST")),
        (", parameters: [doc_id]", {"documentId": "abc"}, "/graphql", (400, "BAD_REQUEST")),
        (", extension: false", HASH, "/graphql", (400, "PERSISTED_QUERY_NOT_SUPPORTED")),
        (", url_path: false", {}, "/graphql/abc", (404, "NOT_FOUND")),
        (", url_path: true", {}, "/graphql/", (404, "NOT_FOUND")),
        (", url_path: true", {}, "/graphql/a/b", (404, "NOT_FOUND")),
        (", url_path: true", {"documentId": "other"}, "/graphql/abc", (400, "BAD_REQUEST")),
        ("", {"documentId": "other", **HASH}, "/graphql", (400, "BAD_REQUEST")),
        ("", {"documentId": ""}, "/graphql", (400, "BAD_REQUEST")),
        ("", {"query": "", "documentId": "abc"}, "/graphql", (400, "BAD_REQUEST")),
    ],
)
async def test_and_nowhere_else(  # noqa: PLR0917  (a table's columns)
    recorder: Recorder,
    tmp_path: Path,
    more: str,
    parameters: dict[str, Any],
    path: str,
    expected: tuple[int, str],
) -> None:
    response = await ask(client(recorder, listed(tmp_path, more)), "POST", parameters, path)
    assert (response.status, response.code) == expected
    assert recorder.requests == []


@pytest.mark.parametrize("value", [1, [], {"version": 2, "sha256Hash": "abc"}, {"version": 1}, {"sha256Hash": "abc"}])
async def test_an_extension_of_another_shape_is_malformed(recorder: Recorder, value: object) -> None:
    response = await ask(client(recorder, APQ), "POST", {"query": "q", "extensions": {"persistedQuery": value}})
    assert (response.status, response.code) == (400, "BAD_REQUEST")


async def test_an_id_of_another_type_is_malformed(recorder: Recorder, tmp_path: Path) -> None:
    response = await ask(client(recorder, listed(tmp_path)), "POST", {"documentId": 7})
    assert (response.status, response.code) == (400, "BAD_REQUEST")


async def test_without_either_an_extension_beside_a_document_is_let_be(recorder: Recorder) -> None:
    assert (await ask(client(recorder, ""), "POST", {"query": "q", **HASH})).status == 200
    assert recorder.ids == [None]


async def test_a_mounted_application_finds_an_id_in_its_path(recorder: Recorder, tmp_path: Path) -> None:
    app = GraphQLApp(recorder, read(listed(tmp_path, ", url_path: true"), {}))

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/api"}, receive, send)

    response = await AsgiClient(mounted).send("GET", "/api/graphql/abc")
    assert response is not None
    assert (response.status, recorder.ids) == (200, ["abc"])
