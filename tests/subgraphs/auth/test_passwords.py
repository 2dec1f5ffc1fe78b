from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

import argon2
import pytest

from subgraphs.auth.domain import InvalidField
from subgraphs.auth.passwords import MAX_LENGTH, MIN_LENGTH, PasswordHasher, weakness

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = "correct horse battery"


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    with PasswordHasher() as opened:
        yield opened


def judged(password: str) -> str | None:
    return weakness(password, email="ann.neill@example.com", name="Ann Neill")


@pytest.mark.parametrize(
    "password", [GOOD, "kq8$Zr1p", "        x", "\u00fc\u00f6\u00e4\u00df\u738b\u5c0f\u660e!", "x1" * (MAX_LENGTH // 2)]
)
def test_acceptable_passwords(password: str) -> None:
    assert judged(password) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 8"),
        ("kq8$Zr1", "at least 8"),
        ("password", "most used"),
        ("PassWord", "most used"),
        ("12345678", "most used"),
        ("qwertyuiop", "most used"),
        ("trustno1", "most used"),
        ("zzzzzzzzzz", "single character"),
        ("ANN.Neill", "the same as"),
        ("ann.neill@example.com", "the same as"),
        ("ann neill", "the same as"),
    ],
)
def test_passwords_that_are_too_easy_to_guess(password: str, reason: str) -> None:
    weak = judged(password)
    assert weak is not None
    assert reason in weak


@pytest.mark.parametrize(("password", "code"), [("x1" * MAX_LENGTH, "TOO_LONG"), ("\ud800" * 8, "INVALID_FORMAT")])
def test_text_that_is_not_a_password(password: str, code: str) -> None:
    with pytest.raises(InvalidField) as caught:
        judged(password)
    assert caught.value.code == code


def test_the_shortest_password_has_the_length_the_schema_names() -> None:
    assert judged("kq8$Zr1p"[:MIN_LENGTH]) is None


async def test_only_the_password_itself_matches_its_hash(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash(GOOD)
    assert encoded.startswith("$argon2id$")
    assert await hasher.verify(GOOD, encoded)
    for other in (GOOD + " ", GOOD.upper(), "", GOOD[:-1], "\ud800"):
        assert not await hasher.verify(other, encoded)


async def test_two_hashes_of_one_password_differ(hasher: PasswordHasher) -> None:
    assert await hasher.hash(GOOD) != await hasher.hash(GOOD)


async def test_no_password_matches_an_unknown_user(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("", None)
    assert not await hasher.verify(GOOD, None)


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash(GOOD)

    async def seconds(known: str | None) -> float:
        started = time.perf_counter()
        await hasher.verify("wrong", known)
        return time.perf_counter() - started

    # In turns, so that other load of the machine affects both.
    pairs = [(await seconds(encoded), await seconds(None)) for _ in range(15)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2


async def test_hashing_does_not_block_the_event_loop(hasher: PasswordHasher) -> None:
    hashing = asyncio.gather(*(hasher.hash(GOOD) for _ in range(4)))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


def test_hashes_of_other_parameters_are_outdated(hasher: PasswordHasher) -> None:
    assert hasher.is_outdated(argon2.PasswordHasher(time_cost=1, memory_cost=8192).hash(GOOD))
    assert not hasher.is_outdated(asyncio.run(hasher.hash(GOOD)))
