"""A mutation with an idempotency key runs once; its repetitions get the first response.

Covers `router/policies/idempotency/key_store.py`, `router/policies/idempotency/memory_key_store.py` and
`router/policies/idempotency/redis_key_store.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.pipeline import RequestContext, Stage
from router.policies.idempotency.key_store import Entry, KeyStoreUnavailable
from router.policies.idempotency.memory_key_store import MemoryKeys
from router.policies.idempotency.redis_key_store import RedisKeys
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import InvalidSettings, read
from router.settings.sections.idempotency import IdempotencyRedis
from router.transport.fetch_failures import not_sent
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.router.policies.demand_control.library import SDL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from router.policies.idempotency.key_store import KeyStore

MUTATION = "mutation Add($input: Search) { add(input: $input) { id } }"


class Known(Stage):
    """Sets the identity that the headers name."""

    async def on_request(self, context: RequestContext) -> None:
        """Believe the header."""
        if "user" in context.request.headers:
            context.identity = Identity({"iss": "i", "sub": context.request.headers["user"]})


@dataclass
class Books:
    """A subgraph that gives each added book the next number. `wait` is what it waits for before it responds."""

    added: int = 0
    wait: asyncio.Event | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        """Add a book."""
        if "add" not in request.operation:
            return SubgraphResponse.of({"data": {"title": "x"}})
        self.added += 1
        number = self.added
        if self.wait is not None:
            await self.wait.wait()
        if self.errors:
            return SubgraphResponse.of({"data": {"add": None}, "errors": self.errors})
        return SubgraphResponse.of({"data": {"add": {"id": str(number)}}})


def gateway(books: Books, more: str = "", traffic: str = "") -> Gateway:
    settings = read(f"idempotency: {{enabled: true{more}}}\n{traffic}", {})
    return Gateway.from_supergraph(SDL, settings, send=books, stages=[Known()])


async def run(
    router: Gateway, key: str | None = "k", query: str = MUTATION, word: str = "a", **headers: str
) -> GraphQLResponse:
    given = headers if key is None else {**headers, "idempotency-key": key}
    return await router.execute(GraphQLRequest(query=query, variables={"input": {"word": word}}, headers=given))


def code(response: GraphQLResponse) -> str:
    errors: Any = response.body["errors"]
    found: str = errors[0]["extensions"]["code"]
    return found


async def test_a_repetition_gets_the_first_response_and_has_no_effect() -> None:
    books = Books()
    router = gateway(books)
    first, second = await run(router), await run(router)
    assert first.body == second.body == {"data": {"add": {"id": "1"}}}
    assert (first.headers, second.headers) == ((), (("idempotent-replayed", "true"),))
    assert books.added == 1
    assert (await run(router, "other")).body == {"data": {"add": {"id": "2"}}}


async def test_without_a_key_and_for_queries_nothing_is_stored() -> None:
    books = Books()
    router = gateway(books)
    for _ in range(2):
        await run(router, None)
        assert (await run(router, query="query($input: Search) { title search(input: $input) { id } }")).headers == ()
    assert books.added == 2


async def test_it_is_off_by_default() -> None:
    books = Books()
    router = Gateway.from_supergraph(SDL, read("", {}), send=books)
    for _ in range(2):
        await run(router)
    assert books.added == 2


async def test_the_header_is_a_setting() -> None:
    books = Books()
    router = gateway(books, ", header: X-Key")
    for _ in range(2):
        await run(router, None, **{"x-key": "k"})
    assert books.added == 1


@pytest.mark.parametrize("other", [{"word": "b"}, {"query": MUTATION.replace("{ id }", "{ id title }")}])
async def test_a_key_is_for_one_mutation_with_its_variables(other: dict[str, str]) -> None:
    books = Books()
    router = gateway(books)
    await run(router)
    refused = await run(router, **other)
    assert (code(refused), refused.status, books.added) == ("IDEMPOTENCY_KEY_REUSED", 422, 1)


async def test_layout_and_comments_do_not_matter() -> None:
    books = Books()
    router = gateway(books)
    await run(router)
    assert (await run(router, query=MUTATION.replace("{", "{ # c\n"))).headers
    assert books.added == 1


@pytest.mark.parametrize(
    ("first", "second", "added"),
    [
        ({"user": "ada"}, {"user": "bob"}, 2),
        ({"user": "ada", "authorization": "Bearer 1"}, {"user": "ada", "authorization": "Bearer 2"}, 1),
        ({"authorization": "Bearer 1"}, {"authorization": "Bearer 2"}, 2),
        ({"cookie": "a=1"}, {"cookie": "a=2"}, 2),
        ({"authorization": "Bearer 1"}, {}, 2),
        ({}, {}, 1),
    ],
)
async def test_each_caller_has_its_own_keys(first: dict[str, str], second: dict[str, str], added: int) -> None:
    books = Books()
    router = gateway(books)
    await run(router, **first)
    await run(router, **second)
    assert books.added == added


async def test_while_the_first_mutation_runs_a_repetition_is_refused() -> None:
    books = Books(wait=asyncio.Event())
    router = gateway(books)
    first = asyncio.create_task(run(router))
    while not books.added:
        await asyncio.sleep(0)
    refused = await run(router)
    assert (code(refused), refused.status) == ("IDEMPOTENCY_KEY_IN_USE", 409)
    assert dict(refused.headers)["retry-after"] == "1"
    assert books.wait is not None
    books.wait.set()
    assert (await first).body == (await run(router)).body == {"data": {"add": {"id": "1"}}}


async def test_a_mutation_that_ended_without_a_response_is_not_run_again() -> None:
    books = Books()
    router = gateway(books)
    await run(router, "first")  # prepares the document, so that the next request reaches the subgraph in time
    books.wait = asyncio.Event()
    deadline = asyncio.get_running_loop().time() + 0.3
    timed_out = await router.execute(
        GraphQLRequest(
            query=MUTATION, variables={"input": {"word": "a"}}, headers={"idempotency-key": "k"}, deadline=deadline
        )
    )
    assert code(timed_out) == "GATEWAY_TIMEOUT"
    refused = await run(router)
    assert (code(refused), refused.status, books.added) == ("IDEMPOTENCY_RESULT_UNKNOWN", 409, 2)


async def test_errors_of_the_first_response_are_repeated() -> None:
    books = Books(errors=[{"message": "no", "extensions": {"code": "FORBIDDEN"}}])
    router = gateway(books, traffic="errors: {allow_codes: [FORBIDDEN]}")
    first = await run(router)
    books.errors = []
    assert code(first) == code(await run(router)) == "FORBIDDEN"
    assert books.added == 1


async def test_a_mutation_that_was_refused_leaves_its_key_free() -> None:
    books = Books()
    router = gateway(books)
    assert code(await run(router, query="mutation { nothing }")) == "GRAPHQL_VALIDATION_FAILED"
    assert (await run(router)).body == {"data": {"add": {"id": "1"}}}


async def test_a_mutation_that_no_subgraph_has_received_leaves_its_key_free() -> None:
    books = Books()

    async def send(request: SubgraphRequest, /) -> SubgraphResponse:
        if not books.added and not unreachable.is_set():
            unreachable.set()
            raise not_sent("books", "no connection")
        return await books(request)

    unreachable = asyncio.Event()
    router = Gateway.from_supergraph(SDL, read("idempotency: {enabled: true}", {}), send=send)
    assert code(await run(router)) == "SUBREQUEST_HTTP_ERROR"
    assert (await run(router)).body == {"data": {"add": {"id": "1"}}}


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
async def test_a_key_has_a_form(key: str) -> None:
    refused = await run(gateway(Books()), key)
    assert (code(refused), refused.status) == ("IDEMPOTENCY_KEY_INVALID", 400)


async def test_workers_share_keys_in_redis(redis_url: str) -> None:
    books = Books()
    more = f", redis: {{url: '{redis_url}', timeout: 2s, prefix: 'p:'}}"
    routers = [gateway(books, more) for _ in range(2)]
    responses = [await run(router) for router in (*routers, *routers)]
    assert books.added == 1
    assert [bool(response.headers) for response in responses] == [False, True, True, True]
    at_once = await asyncio.gather(*(run(routers[n % 2], "second") for n in range(10)))
    assert books.added == 2
    assert {response.status for response in at_once} <= {None, 409}
    for router in routers:
        await router.aclose()


async def test_without_redis_no_mutation_with_a_key_runs() -> None:
    books = Books()
    router = gateway(books, ", redis: {url: 'redis://127.0.0.1:1', timeout: 1s}")
    with capture_logs() as lines:
        refused = await run(router)
    assert (code(refused), refused.status, books.added) == ("IDEMPOTENCY_UNAVAILABLE", 503, 0)
    assert [line["event"] for line in lines] == ["idempotency keys unavailable"]
    assert (await run(router, None)).body == {"data": {"add": {"id": "1"}}}
    await router.aclose()


def test_a_redis_has_a_redis_url() -> None:
    with pytest.raises(InvalidSettings, match="redis://"):
        gateway(Books(), ", redis: {url: 'http://127.0.0.1'}")


async def test_a_reload_keeps_the_keys() -> None:
    books = Books()
    old, new = gateway(books), gateway(books)
    await run(old)
    new.inherit(old)
    await run(new)
    assert books.added == 1


@pytest.fixture(params=["memory", "redis"])
async def keys(request: pytest.FixtureRequest) -> AsyncIterator[KeyStore]:
    opened: KeyStore
    if request.param == "memory":
        opened = MemoryKeys(entries=10, memory_bytes=100_000, ttl=60)
    else:
        url = request.getfixturevalue("redis_server").url
        settings = IdempotencyRedis.model_validate({"url": url, "timeout": "2s", "prefix": f"{uuid4()}:"})
        opened = RedisKeys(settings, 60)
    yield opened
    await opened.aclose()


async def test_every_store_keeps_one_entry_for_a_key(keys: KeyStore) -> None:
    entry = Entry("f", 1.5)
    assert await keys.begin("a", entry) is None
    assert await keys.begin("a", Entry("other", 2.0)) == entry
    done = Entry("f", 1.5, '{"data":"É\\u0000"}', ended=True)
    await keys.finish("a", done)
    assert await keys.begin("a", entry) == done
    await keys.forget("a")
    assert await keys.begin("a", entry) is None


async def test_keys_are_forgotten_after_their_time_and_beyond_the_bounds() -> None:
    now = 0.0
    keys = MemoryKeys(entries=3, memory_bytes=5_000, ttl=10, clock=lambda: now)
    entry = Entry("f", 0.0)
    for key in "abcd":
        await keys.begin(key, entry)
    assert len(keys) == 3
    assert await keys.begin("b", entry) == entry
    await keys.finish("c", Entry("f", 0.0, "x" * 4_500, ended=True))
    assert len(keys) == 1
    now = 11.0
    assert await keys.begin("c", entry) is None


async def test_bounds_and_time_are_settings() -> None:
    books = Books()
    router = gateway(books, ", entries: 2, memory_bytes: 100000, ttl: 60m")
    for key in ("a", "b", "c", "a"):
        await run(router, key)
    assert books.added == 4


def test_a_foreign_entry_is_an_error() -> None:
    for text in ("{", "[]", '{"fingerprint": "f"}'):
        with pytest.raises(KeyStoreUnavailable):
            Entry.of_text(text)
