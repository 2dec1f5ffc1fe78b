"""The JWK set at a URL, with a clock that only the tests move.

Covers `router/policies/authentication/verified_token_cache.py` too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.policies.authentication.jwt_verification import Issuer, JwtVerifier
from router.policies.authentication.refusals import CredentialRefused, CredentialUndecided
from router.policies.authentication.remote_key_set import RemoteKeys
from router.policies.authentication.token_sources import FoundToken
from router.settings.sections.authentication import Jwt, JwtIssuer, KeySetSource
from router.transport.remote_text_file import TextFileUnavailable
from tests.router.policies.authentication.issuer import AUDIENCE, ISSUER, jwk_set, token

if TYPE_CHECKING:
    from router.transport.remote_text_file import RemoteTextFile


@dataclass
class Published:
    """The JWK set of an issuer, in the place of a `RemoteTextFile`. `text` None means that it cannot be fetched."""

    text: str | None = field(default_factory=lambda: jwk_set("ec"))
    fetches: int = 0
    may_respond: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_respond.set()

    async def read(self) -> str | None:
        self.fetches += 1
        await self.may_respond.wait()
        if self.text is None:
            raise TextFileUnavailable("HTTP status 500")
        return self.text

    def close(self) -> None:
        pass


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


class Setup:
    def __init__(self, **source: Any) -> None:
        self.published, self.clock = Published(), Clock()
        self.settings = KeySetSource(url="http://issuer.example/keys", **source)
        file: RemoteTextFile = self.published  # type: ignore[assignment]  # has the methods that are used
        self.keys = RemoteKeys(ISSUER, file, self.settings, ("ES256", "RS256"), self.clock)
        own = JwtIssuer(issuer=ISSUER, audiences=(AUDIENCE,), keys=self.settings)
        self.verifier = JwtVerifier(Jwt(issuers=(own,)), [Issuer(own, self.keys)])

    async def accepts(self, text: str) -> bool:
        token = FoundToken(text)
        try:
            return bool(self.verifier.known(token) or await self.verifier.verify(token))
        except CredentialRefused:
            return False

    async def settled(self) -> None:
        """Wait until the fetch that runs beside the requests has ended."""
        if self.keys._fetch is not None:  # noqa: SLF001
            await self.keys._fetch  # noqa: SLF001


async def test_keys_are_fetched_once_for_all_requests() -> None:
    setup = Setup()
    assert await asyncio.gather(*(setup.accepts(token(sub=str(each))) for each in range(20))) == [True] * 20
    assert setup.published.fetches == 1


async def test_old_keys_are_used_while_one_fetch_runs_beside() -> None:
    setup, text = Setup(refresh_interval="5m"), token()
    assert await setup.accepts(text)
    setup.clock.now += 301
    setup.published.may_respond.clear()
    assert await setup.accepts(text)
    assert await setup.accepts(token(sub="other"))
    setup.published.may_respond.set()
    await setup.settled()
    assert setup.published.fetches == 2
    assert await setup.accepts(text)


async def test_a_new_key_is_found_at_once_and_forged_key_ids_cause_few_fetches() -> None:
    setup = Setup(unknown_key_interval="5s")
    assert await setup.accepts(token())
    setup.published.text = jwk_set("ec", "rsa")
    assert not await setup.accepts(token("rsa", "RS256"))  # the last fetch was a moment ago
    setup.clock.now += 5
    assert await setup.accepts(token("rsa", "RS256"))
    for _ in range(100):
        assert not await setup.accepts(token("other"))
    assert setup.published.fetches == 2


async def test_a_withdrawn_key_ends_the_tokens_that_it_has_verified() -> None:
    setup, text = Setup(refresh_interval="5m"), token()
    assert await setup.accepts(text)
    setup.published.text = jwk_set("rsa")
    setup.clock.now += 301
    with capture_logs() as logs:
        assert await setup.accepts(text)
        await setup.settled()
    assert not await setup.accepts(text)
    assert [line["event"] for line in logs] == ["signing keys changed"]


async def test_keys_that_cannot_be_fetched_are_used_until_they_are_too_old() -> None:
    setup, text = Setup(longest_stale="60m"), token()
    assert await setup.accepts(text)
    setup.published.text = None
    setup.clock.now += 3_599
    assert await setup.accepts(text)
    with capture_logs() as logs:
        await setup.settled()
        setup.clock.now += 2
        with pytest.raises(CredentialUndecided):
            await setup.accepts(text)
    assert {line["event"] for line in logs} == {"signing keys unavailable"}
    setup.published.text = jwk_set("ec")
    setup.clock.now += 1
    assert await setup.accepts(text)


async def test_without_keys_the_credential_is_undecided_and_fetches_have_a_pause() -> None:
    setup = Setup()
    setup.published.text = None
    for _ in range(10):
        with pytest.raises(CredentialUndecided):
            await setup.accepts(token())
    assert setup.published.fetches == 1
    setup.published.text = "not a JWK set"
    setup.clock.now += 1
    with pytest.raises(CredentialUndecided):
        await setup.accepts(token())


async def test_a_request_that_is_cancelled_does_not_end_the_fetch_of_the_others() -> None:
    setup = Setup()
    setup.published.may_respond.clear()
    first, second = (asyncio.create_task(setup.accepts(token(sub=each))) for each in ("a", "b"))
    while setup.published.fetches == 0:
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    setup.published.may_respond.set()
    assert await second
    assert setup.published.fetches == 1


async def test_a_reload_takes_over_keys_and_verified_tokens() -> None:
    old, new, other = Setup(), Setup(), Setup(timeout="1s")
    text = token()
    assert await old.accepts(text)
    for each in (new, other):
        each.verifier.inherit(old.verifier)
    assert await new.accepts(text)
    assert len(new.verifier.verified) == 1
    assert new.published.fetches == 0
    assert len(other.verifier.verified) == 0


async def test_closing_ends_a_fetch() -> None:
    setup = Setup()
    setup.published.may_respond.clear()
    waiting = asyncio.create_task(setup.accepts(token()))
    while setup.published.fetches == 0:
        await asyncio.sleep(0)
    await setup.keys.aclose()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
