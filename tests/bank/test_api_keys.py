"""A process exchanges API keys: how often, and what it does when the auth service refuses or does not respond."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bank.api_keys import ApiKeys, ExchangedToken, RemoteExchange, authorization_of
from bank.identity import Caller
from servicekit.errors import RateLimited, ServiceError, TimedOut, Unauthenticated, Unavailable

KEY = f"msk_{'0' * 16}_{'A' * 43}"
OTHER = f"msk_{'1' * 16}_{'A' * 43}"


class Exchange:
    """An auth service: each exchange gives a new token, unless `failure` is set."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: ServiceError | None = None
        self.ended: set[str] = set()

    async def exchange(self, api_key: str) -> ExchangedToken:
        self.calls += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return ExchangedToken(f"{api_key} {self.calls}", 600.0)

    async def verify(self, token: str) -> Caller:
        if token in self.ended:
            raise Unauthenticated
        return Caller(token, "session", frozenset())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(exchange: Exchange, clock: Clock) -> ApiKeys:
    return ApiKeys(exchange, clock=clock)


async def test_a_key_is_exchanged_once_a_minute(keys: ApiKeys, exchange: Exchange, clock: Clock) -> None:
    callers = await asyncio.gather(*(keys.caller(KEY, exchange.verify) for _ in range(20)))
    assert {caller.user_id for caller in callers} == {f"{KEY} 1"}
    clock.now += 59
    assert (await keys.caller(KEY, exchange.verify)).user_id == f"{KEY} 1"
    clock.now += 1
    assert (await keys.caller(KEY, exchange.verify)).user_id == f"{KEY} 2"
    assert (await keys.caller(OTHER, exchange.verify)).user_id == f"{OTHER} 3"


async def test_a_token_whose_session_ended_is_replaced(keys: ApiKeys, exchange: Exchange) -> None:
    await keys.caller(KEY, exchange.verify)
    exchange.ended.add(f"{KEY} 1")
    callers = await asyncio.gather(*(keys.caller(KEY, exchange.verify) for _ in range(5)))
    assert {caller.user_id for caller in callers} == {f"{KEY} 2"}
    assert exchange.calls == 2


async def test_a_revoked_key_is_refused(keys: ApiKeys, exchange: Exchange) -> None:
    await keys.caller(KEY, exchange.verify)
    exchange.ended.add(f"{KEY} 1")
    exchange.failure = Unauthenticated()
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await keys.caller(KEY, exchange.verify)


@pytest.mark.parametrize("failure", [Unavailable(), TimedOut(), RateLimited(retry_after=3)])
async def test_without_the_auth_service_a_token_is_used_until_it_expires(
    keys: ApiKeys, exchange: Exchange, clock: Clock, failure: ServiceError
) -> None:
    await keys.caller(KEY, exchange.verify)
    exchange.failure = failure
    clock.now += 599
    assert (await keys.caller(KEY, exchange.verify)).user_id == f"{KEY} 1"
    clock.now += 1
    with pytest.raises(type(failure)):
        await keys.caller(KEY, exchange.verify)
    with pytest.raises(type(failure)):
        await keys.caller(OTHER, exchange.verify)


@pytest.mark.parametrize("text", ["msk_", KEY[:-1], KEY + "A", KEY.replace("0", "g"), f"{KEY}\n"])
async def test_a_malformed_key_is_refused_without_an_exchange(keys: ApiKeys, exchange: Exchange, text: str) -> None:
    with pytest.raises(Unauthenticated):
        await keys.caller(text, exchange.verify)
    assert exchange.calls == 0


async def test_only_so_many_keys_are_kept(keys: ApiKeys, exchange: Exchange) -> None:
    for number in range(1_001):
        await keys.caller(f"msk_{number:016x}_{'A' * 43}", exchange.verify)
    await keys.caller(f"msk_{0:016x}_{'A' * 43}", exchange.verify)
    assert exchange.calls == 1_002
    await keys.caller(f"msk_{1_000:016x}_{'A' * 43}", exchange.verify)
    assert exchange.calls == 1_002


def respond(response: httpx.Response | Exception) -> RemoteExchange:
    def handle(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://auth.test/api-keys/token")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        if isinstance(response, Exception):
            raise response
        return response

    return RemoteExchange("http://auth.test/", httpx.AsyncClient(transport=httpx.MockTransport(handle)))


async def test_a_process_exchanges_keys_over_http() -> None:
    remote = respond(httpx.Response(200, json={"access_token": "token", "expires_in": 600}))
    assert await remote.exchange(KEY) == ExchangedToken("token", 600.0)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), Unauthenticated),
        (httpx.Response(429, headers={"retry-after": "7"}), RateLimited),
        (httpx.Response(503), Unavailable),
        (httpx.Response(404), Unavailable),
        (httpx.Response(200, text="no JSON"), Unavailable),
        (httpx.Response(200, json=[]), Unavailable),
        (httpx.Response(200, json={"access_token": "token"}), Unavailable),
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ReadTimeout("late"), TimedOut),
    ],
)
async def test_each_failure_of_the_auth_service_has_its_error(
    response: httpx.Response | Exception, expected: type[ServiceError]
) -> None:
    with pytest.raises(expected):
        await respond(response).exchange(KEY)


def test_the_key_may_be_in_a_header_of_its_own() -> None:
    assert authorization_of({}) is None
    assert authorization_of({"x-api-key": "k"}) == "Bearer k"
    assert authorization_of({"authorization": "Bearer t", "x-api-key": "k"}) == "Bearer t"
