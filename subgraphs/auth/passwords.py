"""Passwords: which passwords are accepted, and how they are hashed.

The rules are those of OWASP ASVS 5.0, 6.2: a minimum length, room for passphrases, no composition rules, no truncation
or change of case, and a list of the most common passwords.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, Self

import argon2
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped] # the package ships no types

from subgraphs.auth.domain import InvalidField

# ASVS 6.2.1. The recommended 15 would refuse passwords that clients of the REST routes use today.
MIN_LENGTH: Final = 8
# ASVS 6.2.9 requires at least 64; the limit bounds the work of a request.
MAX_LENGTH: Final = 256

# OWASP's second recommendation for argon2id: 19 MiB and two passes, about 25 ms of one core. With the 64 MiB of RFC
# 9106 a flood of logins would exhaust the memory.
_TIME_COST: Final = 2
_MEMORY_KIB: Final = 19_456
_PARALLELISM: Final = 1
# More threads than cores make every login slower.
_THREADS: Final = 2


@cache
def _common() -> frozenset[str]:
    """The most common passwords of at least the minimum length (about 11,000), in lower case."""
    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)


def weakness(password: str, *, email: str, name: str) -> str | None:
    """Why `password` is too easy to guess, as a text for its owner; None if it is accepted.

    Raises:
        InvalidField: the password is longer than `MAX_LENGTH`, or is not Unicode text.
    """
    if not is_text(password):
        raise InvalidField("INVALID_FORMAT", "must be Unicode text")
    if len(password) > MAX_LENGTH:
        raise InvalidField("TOO_LONG", f"at most {MAX_LENGTH} characters")
    if len(password) < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters"
    folded = password.casefold()
    if len(set(folded)) == 1:
        return "The password repeats a single character"
    if folded in {email.casefold(), email.casefold().partition("@")[0], name.casefold()}:
        return "The password is the same as the e-mail address or the name"
    if folded in _common():
        return "The password is one of the most used passwords"
    return None


def is_text(password: str) -> bool:
    """Whether `password` can be encoded; a JSON escape may be half a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in password)


class PasswordHasher:
    """argon2id in threads of its own, so that a login does not block the event loop."""

    def __init__(self) -> None:
        self._argon2 = argon2.PasswordHasher(_TIME_COST, _MEMORY_KIB, _PARALLELISM)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        # The hash to compare with when the user does not exist; nobody knows its password.
        self._nobody = self._argon2.hash(secrets.token_hex())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded hash with its salt and parameters."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._argon2.hash, password)

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Whether `password` has this hash. None, for an unknown user, is False and takes the same time."""
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self._threads, self._matches, password, encoded or self._nobody)
        return matches and encoded is not None

    def is_outdated(self, encoded: str) -> bool:
        """Whether `encoded` has other parameters than a new hash."""
        return self._argon2.check_needs_rehash(encoded)

    def _matches(self, password: str, encoded: str) -> bool:
        try:
            # A password that is not text was never hashed, but the check must take the same time.
            return self._argon2.verify(encoded, password.encode("utf-8", "surrogatepass"))
        except argon2.exceptions.VerifyMismatchError:
            return False
