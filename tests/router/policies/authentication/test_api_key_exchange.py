"""API keys that the router exchanges for access tokens at an endpoint of the issuer."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from router.policies.authentication.api_key_exchange import ApiKeyExchange
from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided
from router.policies.authentication.token_sources import FoundToken
from router.settings import InvalidSettings, read
from router.settings.sections.authentication import ApiKeyExchange as Settings
from servicekit import client_address
from servicekit.http1.connection import RawResponse
from servicekit.http1.pool import NotConnected
from servicekit.tls.contexts import server_context
from tests.certificates import TestAuthority
from tests.router.policies.authentication.issuer import settings, token
from tests.router.policies.authentication.test_authentication_stage import Running, code
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY: Final = "msk_1"


class Endpoint:
    """The endpoint of the issuer: which keys are valid, and the keys that were exchanged."""

    def __init__(self) -> None:
        self.tokens = {KEY: token(sub="machine")}
        self.asked: list[str] = []
        self.headers: Mapping[str, str] = {}
        self.failure: Exception | None = None
        self.status = 200
        self.expires_in: object = 600
        self.gate = asyncio.Event()
        self.gate.set()

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float, repeatable: bool
    ) -> RawResponse:
        del path, body, seconds, repeatable
        self.headers = headers
        key = headers["authorization"].removeprefix("Bearer ")
        self.asked.append(key)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if key not in self.tokens:
            return RawResponse(401, {}, b"{}")
        document = {"access_token": self.tokens[key], "token_type": "Bearer", "expires_in": self.expires_in}
        return RawResponse(self.status, {}, json.dumps(document).encode())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def exchange(endpoint: Endpoint, clock: Clock, **given: Any) -> ApiKeyExchange:
    made = Settings.model_validate({"url": "http://issuer/token", "prefix": "msk_", **given})
    return ApiKeyExchange(made, endpoint, clock)


async def result(exchange: ApiKeyExchange, key: str = KEY) -> str | None:
    """The token of a key, or None if the key is refused."""
    try:
        return (await exchange.token(key)).text
    except CredentialRefused:
        return None


def with_exchange(folder: Path, url: str, more: str = "") -> str:
    return settings(folder)[:-1] + f", api_keys: {{exchange: {{url: '{url}', prefix: msk_{more}}}}}}}"


async def answer_with_token(peer: Peer) -> None:
    while True:
        received = await peer.request()
        is_known = received.headers["authorization"] == f"Bearer {KEY}"
        document = {"access_token": token(sub="machine"), "token_type": "Bearer", "expires_in": 600}
        body = json.dumps(document if is_known else {"error": "invalid_client"}).encode()
        await peer.reply(response(body, status="200 OK" if is_known else "401 Unauthorized"))


async def test_a_key_has_the_claims_of_its_token(tmp_path: Path) -> None:
    async with serving(answer_with_token) as server:
        text = with_exchange(tmp_path, f"{server.url}/token")[:-1] + ", forward: {headers: {x-user: sub}}}"
        running = Running(text)
        for headers in ({"x_api_key": KEY}, {"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}):
            assert (await running.headers(**headers))["x-user"] == "machine"
        with capture_logs() as logs:
            refused = await running(x_api_key="msk_2")
        assert (code(refused), refused.status) == ("UNAUTHENTICATED", 401)
        assert [(line["method"], line["reason"]) for line in logs] == [("api_key", "unknown key")]
        # With a token, the key does not count.
        own = {"authorization": f"Bearer {token(sub='ann')}", "x_api_key": "msk_2"}
        assert (await running.headers(**own))["x-user"] == "ann"
        await running.gateway.aclose()


async def test_an_endpoint_that_is_away_is_503(tmp_path: Path) -> None:
    running = Running(with_exchange(tmp_path, "http://127.0.0.1:1/token"))
    with capture_logs() as logs:
        response = await running(x_api_key=KEY)
    assert (code(response), response.status) == ("AUTHENTICATION_UNAVAILABLE", 503)
    assert [line["event"] for line in logs] == ["API keys cannot be exchanged"]
    assert KEY not in str(logs)
    await running.gateway.aclose()


async def test_the_endpoint_has_only_so_much_time(tmp_path: Path) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await asyncio.Event().wait()

    async with serving(silent) as server:
        running = Running(with_exchange(tmp_path, f"{server.url}/token", ", timeout: 50ms"))
        assert code(await running(x_api_key=KEY)) == "AUTHENTICATION_UNAVAILABLE"
        await running.gateway.aclose()


def test_only_keys_with_the_prefix_are_exchanged() -> None:
    made = exchange(Endpoint(), Clock())
    assert made.key_of({"x-api-key": KEY}, "x-api-key", None) == KEY
    assert made.key_of({"x-api-key": "other"}, "x-api-key", None) is None
    assert made.key_of({}, "x-api-key", None) is None
    assert made.key_of({"x-api-key": KEY}, "x-api-key", FoundToken("a.b.c", "bearer")) is None
    assert made.key_of({}, "x-api-key", FoundToken(KEY, "bearer")) == KEY
    assert made.key_of({}, "x-api-key", FoundToken(KEY, "dpop")) is None


async def test_a_result_is_used_for_a_short_time() -> None:
    endpoint, clock = Endpoint(), Clock()
    made = exchange(endpoint, clock, cache="10s")
    for _ in range(3):
        assert await result(made) == endpoint.tokens[KEY]
        assert await result(made, "msk_2") is None
    assert endpoint.asked == [KEY, "msk_2"]
    clock.now += 10
    await result(made)
    assert endpoint.asked == [KEY, "msk_2", KEY]


async def test_a_revoked_key_is_refused_when_its_result_is_too_old() -> None:
    endpoint, clock = Endpoint(), Clock()
    made = exchange(endpoint, clock, cache="5s")
    await result(made)
    endpoint.tokens.clear()
    clock.now += 4.9
    assert await result(made) is not None
    clock.now += 0.1
    assert await result(made) is None


async def test_a_token_is_not_used_longer_than_it_is_valid() -> None:
    endpoint, clock = Endpoint(), Clock()
    made = exchange(endpoint, clock, cache="60m")
    endpoint.expires_in = 30
    await result(made)
    clock.now += 30
    await result(made)
    assert len(endpoint.asked) == 2


async def test_a_refused_token_is_exchanged_again() -> None:
    endpoint = Endpoint()
    made = exchange(endpoint, Clock())
    old = await made.token(KEY)
    endpoint.tokens[KEY] = token(sub="machine with another role")
    assert (await made.token(KEY)).text == old.text
    assert (await made.token(KEY, refused=old)).text == endpoint.tokens[KEY]
    assert len(endpoint.asked) == 2


async def test_concurrent_requests_share_an_exchange_and_survive_a_cancellation() -> None:
    endpoint = Endpoint()
    endpoint.gate.clear()
    made = exchange(endpoint, Clock())
    waiting = [asyncio.create_task(result(made)) for _ in range(3)]
    while not endpoint.asked:
        await asyncio.sleep(0)
    waiting[0].cancel()
    endpoint.gate.set()
    assert await asyncio.gather(*waiting[1:]) == [endpoint.tokens[KEY]] * 2
    assert endpoint.asked == [KEY]


async def test_the_number_of_results_is_bounded() -> None:
    endpoint = Endpoint()
    made = exchange(endpoint, Clock(), cached_keys=2)
    for key in (KEY, "msk_2", "msk_3", KEY):
        await result(made, key)
    assert endpoint.asked == [KEY, "msk_2", "msk_3", KEY]


@pytest.mark.parametrize("key", ["msk_" + "x" * 600, "msk_ä", "msk_\n"])
async def test_what_cannot_be_a_key_is_not_sent(key: str) -> None:
    endpoint = Endpoint()
    assert await result(exchange(endpoint, Clock()), key) is None
    assert endpoint.asked == []


async def test_other_responses_decide_nothing_and_are_not_kept() -> None:
    endpoint = Endpoint()
    made = exchange(endpoint, Clock())
    for change in ({"status": 429}, {"status": 500}, {"expires_in": "soon"}, {"failure": NotConnected("refused")}):
        before = {name: getattr(endpoint, name) for name in change}
        vars(endpoint).update(change)
        with pytest.raises(CredentialUndecided):
            await made.token(KEY)
        vars(endpoint).update(before)
    assert await result(made) == endpoint.tokens[KEY]


async def test_the_issuer_learns_the_address_of_the_client() -> None:
    endpoint = Endpoint()
    path = client_address.client_path("203.0.113.7", (), client_address.LOOPBACK)
    with client_address.serving(path):
        await result(exchange(endpoint, Clock()))
    assert endpoint.headers["x-forwarded-for"] == "203.0.113.7"


async def test_the_endpoint_is_called_with_the_client_certificate_of_the_settings(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    files = authority.files("router")
    tls = {
        "certificate_authority": str(files.authorities),
        "client_certificate": str(files.certificate),
        "client_key": str(files.key),
    }

    async def issues(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(json.dumps({"access_token": "token", "expires_in": 60}).encode()))

    async with serving(issues, tls=server_context(authority.files("auth"))) as server:
        given = {"url": server.url, "prefix": "msk_", **tls}
        right = ApiKeyExchange(Settings.model_validate({**given, "server_identity": "spiffe://test/auth"}))
        assert await result(right) == "token"
        await right.aclose()
        for wrong in (
            {**given, "server_identity": "spiffe://test/other"},
            {name: value for name, value in given.items() if not name.startswith("client_")},
            {name: value for name, value in given.items() if name != "certificate_authority"},
        ):
            refused = ApiKeyExchange(Settings.model_validate(wrong))
            with pytest.raises(CredentialUndecided):
                await refused.token(KEY)
            await refused.aclose()


def test_an_exchange_needs_an_issuer() -> None:
    with pytest.raises(InvalidSettings, match=r"jwt\.issuers"):
        read("authentication: {api_keys: {exchange: {url: 'http://issuer/token', prefix: msk_}}}", {})
