from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import argon2
import pytest

from servicekit.bounded_threads import available_cores
from servicekit.errors import Unavailable
from subgraphs.auth.password_hashing import MAX_MEMORY_KIB, MEMORY_KIB, PasswordHasher, threads

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_hashes() -> None:
    """These tests are about the parameters of production."""


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    with PasswordHasher() as opened:
        yield opened


async def test_only_the_password_itself_matches_its_hash(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash(GOOD)
    assert encoded.startswith("$argon2id$")
    assert await hasher.verify(GOOD, encoded)
    for other in (GOOD + " ", GOOD.upper(), "", GOOD[:-1], "\ud800"):
        assert not await hasher.verify(other, encoded)


async def test_a_hash_has_the_parameters_of_owasp(hasher: PasswordHasher) -> None:
    found = argon2.extract_parameters(await hasher.hash(GOOD))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (argon2.Type.ID, 19_456, 2, 1)


async def test_two_hashes_of_one_password_differ(hasher: PasswordHasher) -> None:
    assert await hasher.hash(GOOD) != await hasher.hash(GOOD)


async def test_no_password_matches_an_unknown_user(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("", None)
    assert not await hasher.verify(GOOD, None)


async def test_an_unknown_user_takes_the_same_hash_as_a_wrong_password(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[tuple[argon2.Parameters, int]] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, encoded: str, password: bytes) -> bool:
        hashes.append((argon2.extract_parameters(encoded), len(password)))
        return verify(self, encoded, password)

    encoded = await hasher.hash(GOOD)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert not await hasher.verify("wrong", encoded)
    assert not await hasher.verify("wrong", None)
    known, unknown = hashes
    assert known == unknown


async def test_hashing_does_not_block_the_event_loop(hasher: PasswordHasher) -> None:
    hashing = asyncio.gather(*(hasher.hash(GOOD) for _ in range(4)))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


async def test_a_hash_of_other_parameters_is_renewed(hasher: PasswordHasher) -> None:
    renewed = await hasher.renewed(GOOD, argon2.PasswordHasher(time_cost=1, memory_cost=8192).hash(GOOD))
    assert renewed is not None
    assert await hasher.verify(GOOD, renewed)
    assert await hasher.renewed(GOOD, renewed) is None


async def test_a_hash_of_the_form_that_was_typed_is_right_and_renewed(hasher: PasswordHasher) -> None:
    """The first releases hashed what the keyboard sent."""
    typed = "cafe\u0301 \u2163 battery"
    encoded = argon2.PasswordHasher(2, MEMORY_KIB, 1).hash(typed)
    assert await hasher.verify(typed, encoded)
    assert not await hasher.verify("cafe IV battery", encoded)
    renewed = await hasher.renewed(typed, encoded)
    assert renewed is not None
    assert await hasher.verify("caf\u00e9 IV battery", renewed)
    assert await hasher.renewed(typed, renewed) is None


async def test_a_password_without_a_normal_form_of_its_own_is_hashed_once(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bytes] = []
    encoded = await hasher.hash(GOOD)
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, encoded: str, password: bytes) -> bool:
        tried.append(password)
        return verify(self, encoded, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    for of_user in (encoded, None):
        for password, hashes in ((GOOD, 1), ("caf\u00e9", 1), ("cafe\u0301", 2)):
            tried.clear()
            await hasher.verify(password, of_user)
            assert len(tried) == hashes


async def test_one_password_has_one_form_on_every_keyboard(hasher: PasswordHasher) -> None:
    """Holds issue 12, number 23: the bytes that are hashed are those of the NFKC form."""
    encoded = await hasher.hash("caf\u00e9 \u2163 battery")
    assert await hasher.verify("cafe\u0301 IV battery", encoded)


async def test_a_password_that_nobody_can_have_is_not_hashed_at_its_length(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("")
    assert not await hasher.verify("x" * 2_000_000, encoded)


async def test_a_request_beyond_the_queue_is_refused() -> None:
    """Holds issue 12, number 3: the code of before queued any number of hashes."""
    with PasswordHasher(queue=2) as hasher:
        running = threads() + 2
        results = await asyncio.gather(*(hasher.hash(GOOD) for _ in range(running + 5)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 5
    assert refused[0].retry_after == 1


def test_the_threads_are_bounded_by_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads() == min(available_cores(), MAX_MEMORY_KIB // MEMORY_KIB)
    monkeypatch.setattr("subgraphs.auth.password_hashing.available_cores", lambda: 500)
    assert threads() * MEMORY_KIB <= MAX_MEMORY_KIB
