"""Hashes passwords with argon2id, in a bounded pool of threads (bank §2.8).

A hash takes about 25 ms of CPU time, and `MEMORY_KIB` of memory. So the pool has at most one thread for each core, and
at most `MAX_MEMORY_KIB` of memory. Further hashes wait in a queue; if the queue is full, a request is refused. If the
client leaves while its hash waits, the hash is not computed.
"""

from __future__ import annotations

import secrets
import unicodedata
from typing import TYPE_CHECKING, Final, Self, TypeVar

import argon2

from servicekit.bounded_threads import BoundedThreads, available_cores
from subgraphs.auth.password_rules import MAX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# The parameters are OWASP's second recommendation for argon2id: 19 MiB and two passes. With the 64 MiB of RFC 9106,
# each thread would need three times as much memory.
_TIME_COST: Final = 2
MEMORY_KIB: Final = 19_456
_PARALLELISM: Final = 1
# The most memory that all running hashes together may use: enough for 26 threads. So this limit matters only on a
# machine with more than 26 cores.
MAX_MEMORY_KIB: Final = 512 * 1024
# How many hashes may wait. For two cores, this is less than a second of work.
QUEUE: Final = 32


def threads() -> int:
    """Return the number of threads: one for each core, or fewer if there is not enough memory for so many hashes."""
    return max(1, min(available_cores(), MAX_MEMORY_KIB // MEMORY_KIB))


class PasswordHasher:
    """Computes argon2id hashes in its own threads. It is a context manager."""

    def __init__(self, *, queue: int = QUEUE) -> None:
        self._argon2 = argon2.PasswordHasher(_TIME_COST, MEMORY_KIB, _PARALLELISM)
        self._threads = BoundedThreads(threads(), queue, name="argon2")
        # If the user does not exist, the password is compared with this hash of a random text.
        self._nobody = self._argon2.hash(secrets.token_hex())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.__exit__()

    async def hash(self, password: str) -> str:
        """Return the encoded hash, which contains the salt and the parameters.

        Raises:
            Unavailable: too many hashes wait.
        """
        return await self._threads.run(lambda: self._argon2.hash(_encoded(password)))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Return whether `password` has this hash. If `encoded` is None (unknown user), return False.

        Both cases take the same time.

        Raises:
            Unavailable: too many hashes wait.
        """
        matches = await self._threads.run(lambda: self._matches(password, encoded or self._nobody))
        return matches and encoded is not None

    async def run(self, work: Callable[[], T]) -> T:
        """Run other work on passwords, and return its result. The work waits in the same queue as the hashes.

        Raises:
            Unavailable: too many hashes wait.
        """
        return await self._threads.run(work)

    async def renewed(self, password: str, encoded: str) -> str | None:
        """Return a new hash of `password`, which has the stored hash `encoded`. Return None if none is needed.

        A new hash is needed if `encoded` was made with other parameters than those of new hashes, or from a password
        that was not normalised.

        Raises:
            Unavailable: too many hashes wait.
        """
        is_outdated = self._argon2.check_needs_rehash(encoded)
        if not is_outdated and _encoded(password) != _unnormalised(password):
            is_outdated = not await self._threads.run(lambda: self._verify(encoded, _encoded(password)))
        return await self.hash(password) if is_outdated else None

    def _matches(self, password: str, encoded: str) -> bool:
        # A password that is too long cannot be right. An empty text is verified instead of it, so that the response
        # takes as long as for other passwords.
        is_possible = len(password) <= MAX_LENGTH
        tried = password if is_possible else ""
        forms = dict.fromkeys((_encoded(tried), _unnormalised(tried)))
        return any([self._verify(encoded, form) for form in forms]) and is_possible  # noqa: C419 - each takes its time

    def _verify(self, encoded: str, password: bytes) -> bool:
        try:
            return self._argon2.verify(encoded, password)
        except argon2.exceptions.VerifyMismatchError:
            return False


def _encoded(password: str) -> bytes:
    """Return the bytes to hash.

    Different keyboards may produce different bytes for the same password. NFKC normalization makes them equal (NIST SP
    800-63B-4). A text with half of a surrogate pair is never a valid password. It is still encoded, so that the
    response takes as long as for other passwords.
    """
    return _unnormalised(unicodedata.normalize("NFKC", password))


def _unnormalised(password: str) -> bytes:
    """Return the bytes that the first releases hashed. A password with such a hash is still right."""
    return password.encode("utf-8", "surrogatepass")
