"""Automatic persisted queries and persisted documents, from the HTTP request of a client to the response."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.policies.read_persisted_manifests import InvalidManifest
from router.settings import InvalidSettings, read
from tests.ports import free_port
from tests.router.server.asgi_client import AsgiClient, AsgiResponse
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "query Me { me { name } }"
HASH = sha256(TEXT.encode()).hexdigest()
ADA = {"data": {"me": {"name": "Ada"}}}
NOT_FOUND = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}],
    "data": None,
}
APQ = "apq: {enabled: true}\n"
GRAPHQL = "application/graphql-response+json"


def extension(text: str = TEXT) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}}


def client(settings: str, shop: Shop | None = None) -> AsgiClient:
    return AsgiClient(Gateway.from_supergraph(SDL, read(settings, {}), send=shop or Shop()).asgi)


def codes(response: AsgiResponse) -> list[str]:
    return [error["extensions"]["code"] for error in response.json.get("errors", ())]


# Automatic persisted queries


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_a_document_is_registered_with_its_hash_and_then_run_by_the_hash(accept: str) -> None:
    apollo = client(APQ)
    unknown = await apollo.post(extension(), accept=accept)
    assert (unknown.status, unknown.json) == (200, NOT_FOUND)
    assert unknown.headers["cache-control"] == "no-store"
    assert (await apollo.post({"query": TEXT, **extension()}, accept=accept)).json == ADA
    assert (await apollo.post(extension(), accept=accept)).json == ADA


async def test_a_document_is_registered_and_run_by_get() -> None:
    apollo = client(APQ)
    hashed = urlencode({"extensions": json.dumps(extension()["extensions"])})
    assert (await apollo.get(hashed)).json == NOT_FOUND
    assert (await apollo.get(f"{hashed}&{urlencode({'query': TEXT})}")).json == ADA
    assert (await apollo.get(hashed)).json == ADA


async def test_a_registered_mutation_is_not_run_by_get() -> None:
    mutation = 'mutation { rename(name: "x") { id } }'
    apollo = client(APQ)
    assert (await apollo.post({"query": mutation, **extension(mutation)})).status == 200
    assert (await apollo.get(urlencode({"extensions": json.dumps(extension(mutation)["extensions"])}))).status == 405


async def test_a_hash_of_another_document_is_refused() -> None:
    response = await client(APQ).post({"query": "{ __typename }", **extension()}, accept=GRAPHQL)
    assert (response.status, codes(response)) == (400, ["PERSISTED_QUERY_HASH_MISMATCH"])


async def test_an_invalid_document_is_not_registered() -> None:
    apollo = client(APQ)
    assert codes(await apollo.post({"query": "{ nothing }", **extension("{ nothing }")})) == [
        "GRAPHQL_VALIDATION_FAILED"
    ]
    assert (await apollo.post(extension("{ nothing }"))).json == NOT_FOUND


async def test_when_off_a_client_gets_an_error_that_asks_for_documents() -> None:
    response = await client("").post(extension())
    assert (response.status, response.code) == (400, "PERSISTED_QUERY_NOT_SUPPORTED")
    assert response.json["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert (await client("").post({"query": TEXT, **extension()})).json == ADA


@pytest.mark.parametrize("bound", ["entries: 1", "text_bytes: 230"])
async def test_the_memory_for_documents_is_limited(bound: str) -> None:
    apollo = client(f"apq: {{enabled: true, {bound}}}")
    for text in (TEXT, "{ __typename }"):
        await apollo.post({"query": text, **extension(text)})
    assert (await apollo.post(extension())).json == NOT_FOUND
    assert (await apollo.post(extension("{ __typename }"))).json == {"data": {"__typename": "Query"}}


def with_redis(url: str, more: str = "") -> str:
    return f"apq: {{enabled: true, redis: {{url: '{url}', timeout: 1s{more}}}}}\n"


async def respond(settings: str, payload: object) -> Any:
    """The response of a router that runs for this request only."""
    gateway = Gateway.from_supergraph(SDL, read(settings, {}), send=Shop())
    try:
        return (await AsgiClient(gateway.asgi).post(payload)).json
    finally:
        await gateway.aclose()


async def test_routers_share_documents_in_redis(redis_url: str) -> None:
    assert await respond(with_redis(redis_url), extension()) == NOT_FOUND
    assert await respond(with_redis(redis_url), {"query": TEXT, **extension()}) == ADA
    assert await respond(with_redis(redis_url), extension()) == ADA
    assert await respond(with_redis(redis_url, ", prefix: 'others:'"), extension()) == NOT_FOUND


async def test_without_redis_a_router_uses_its_memory() -> None:
    stopped = f"redis://127.0.0.1:{free_port()}/0"
    gateway = Gateway.from_supergraph(SDL, read(with_redis(stopped), {}), send=Shop())
    apollo = AsgiClient(gateway.asgi)
    assert (await apollo.post({"query": TEXT, **extension()})).json == ADA
    assert (await apollo.post(extension())).json == ADA  # from memory
    await gateway.aclose()


# Persisted documents


@pytest.fixture
def listing(tmp_path: Path) -> str:
    """Settings with one listed document and a placeholder for the mode."""
    (tmp_path / "documents.json").write_text(json.dumps({"me": TEXT, HASH: TEXT}))
    return f"persisted_documents: {{mode: %s, url_path: true, manifests: ['{tmp_path}/documents.json']}}\n"


@pytest.mark.parametrize("mode", ["measure", "allow_list", "require_id"])
async def test_a_listed_document_runs_by_its_id_in_every_mode(listing: str, mode: str) -> None:
    router = client(listing % mode)
    assert (await router.post({"documentId": "me"})).json == ADA
    assert (await router.post(extension())).json == ADA
    assert (await router.get("documentId=me")).json == ADA
    response = await router.send("GET", "/graphql/me")
    assert response is not None
    assert response.json == ADA


@pytest.mark.parametrize(
    ("mode", "payload", "expected"),
    [
        ("disabled", {"query": "{ __typename }"}, []),
        ("measure", {"query": "{ __typename }"}, []),
        ("allow_list", {"query": "{ __typename }"}, ["QUERY_NOT_IN_SAFELIST"]),
        ("allow_list", {"query": "query Me{me{name}}#x"}, []),
        ("allow_list", {"query": "{ secret }"}, ["QUERY_NOT_IN_SAFELIST"]),
        ("require_id", {"query": TEXT}, ["PERSISTED_QUERY_ID_REQUIRED"]),
        ("measure", {"documentId": "other"}, ["PERSISTED_QUERY_NOT_IN_LIST"]),
        ("require_id", {"documentId": "other"}, ["PERSISTED_QUERY_NOT_IN_LIST"]),
        ("require_id", {"documentId": "me", "query": TEXT}, ["CANNOT_SEND_PQ_ID_AND_BODY"]),
    ],
)
async def test_the_mode_decides_about_unlisted_documents(
    listing: str, mode: str, payload: dict[str, Any], expected: list[str]
) -> None:
    shop = Shop()
    router = client(listing % mode, shop)
    for _ in range(2):  # the second time from the caches
        response = await router.post(payload, accept=GRAPHQL)
        assert codes(response) == expected
        assert response.status == (400 if expected else 200)
    assert not (expected and shop.requests)


async def test_prepared_documents_are_refused_if_they_are_not_listed(listing: str) -> None:
    gateway = Gateway.from_supergraph(SDL, read(listing % "allow_list", {}), send=Shop())
    gateway.warm_up()
    gateway.prepare("{ greet(name: 1) }".replace("1", '"x"'))
    router = AsgiClient(gateway.asgi)
    assert codes(await router.post({"query": '{ greet(name: "x") }'})) == ["QUERY_NOT_IN_SAFELIST"]
    assert codes(await router.post({"query": "{ __typename }"})) == ["QUERY_NOT_IN_SAFELIST"]


@pytest.mark.parametrize(("query", "listed"), [("{ __typename }", False), (TEXT, None)])
async def test_the_mode_measure_logs_unlisted_documents(listing: str, query: str, *, listed: bool | None) -> None:
    router = client(listing % "measure")
    with capture_logs() as lines:
        for _ in range(2):
            await router.post({"query": query})
    assert [line.get("listed") for line in lines] == [listed, listed]


def test_an_unreadable_manifest_is_an_error_at_the_start(tmp_path: Path) -> None:
    settings = read(f"persisted_documents: {{mode: measure, manifests: ['{tmp_path}/none.json']}}", {})
    with pytest.raises(InvalidManifest, match=r"none\.json"):
        Gateway.from_supergraph(SDL, settings, send=Shop())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("apq: {enabled: true}\npersisted_documents: {mode: measure, manifests: [x.json]}", "enable one of them"),
        ("persisted_documents: {mode: require_id}", "needs `manifests`"),
        ("persisted_documents: {parameters: [query]}", "reserved by GraphQL over HTTP"),
        ("apq: {redis: {url: http://x}}", "begins with redis://"),
    ],
)
def test_contradicting_settings_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        read(text, {})
