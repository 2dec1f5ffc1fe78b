"""The data of usage: what a router records, and what a store returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

BUCKET_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""The upper bounds, in seconds, of the buckets of a latency histogram. One more bucket has all longer durations."""

BUCKET_COUNT: Final = len(BUCKET_SECONDS) + 1
MINUTE: Final = 60
DAY: Final = 86_400


def id_of(*parts: str) -> int:
    """Return a signed 64-bit number that identifies texts: the beginning of their SHA-256.

    All routers compute the same number. So they can write to one store without asking the store for a number.
    """
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def operation_id(text: str) -> int:
    """Return the number of an operation. `text` is its text without literals."""
    return id_of("operation", text)


def hash_of(number: int) -> str:
    """Return the number of an operation as people see it: 16 hexadecimal digits."""
    return (number & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "big").hex()


@dataclass(frozen=True, slots=True)
class Client:
    """A client, as its request headers name it. Both texts can be empty."""

    name: str
    version: str

    @property
    def id(self) -> int:
        """The number of the client in a store."""
        return id_of("client", self.name, self.version)

    def __str__(self) -> str:
        return f"{self.name or '(unnamed)'}{f' {self.version}' if self.version else ''}"


@dataclass(slots=True)
class Counts:
    """The number of some requests, the sum of their durations in seconds, and their histogram (`BUCKET_SECONDS`)."""

    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKET_COUNT)

    def add(self, other: Counts, weight: int = 1) -> None:
        """Add the numbers of other counts, each multiplied by `weight`."""
        self.requests += other.requests * weight
        self.errors += other.errors * weight
        self.seconds += other.seconds * weight
        self.buckets = [mine + theirs * weight for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    def quantile(self, share: float) -> float:
        """Return the upper bound, in seconds, of the bucket that contains the quantile. The last bound is infinity."""
        wanted = share * sum(self.buckets)
        seen = 0
        for bound, count in zip((*BUCKET_SECONDS, float("inf")), self.buckets, strict=True):
            seen += count
            if count and seen >= wanted:
                return bound
        return 0.0


@dataclass(frozen=True, slots=True)
class RecordedOperation:
    """An operation without literals.

    Attributes:
        id: Its number in a store, which depends only on `text`.
        name: Its name; empty if it has none.
        kind: query, mutation or subscription.
        text: The operation and its fragments, with literals removed.
        coordinates: The parts of the schema that its document uses. The values of variables are not included.
    """

    id: int
    name: str
    kind: str
    text: str
    coordinates: frozenset[str] = frozenset()


@dataclass(slots=True)
class UsageBatch:
    """What a router writes at once.

    Attributes:
        operations: The operations by id.
        counts: (minute since 1970, id of the operation, client) → counts.
        clients: The clients in `counts`.
        described: Ids of operations whose coordinates the store may not have yet.
        in_variables: Maps the id of an operation to the coordinates (input fields and enum values) in the values that
            clients sent for its variables.
        unknown_variables: Ids of operations for which some values of variables were not looked at.
    """

    operations: dict[int, RecordedOperation] = field(default_factory=dict)
    counts: dict[tuple[int, int, Client], Counts] = field(default_factory=dict)
    clients: set[Client] = field(default_factory=set)
    described: set[int] = field(default_factory=set)
    in_variables: dict[int, set[str]] = field(default_factory=dict)
    unknown_variables: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """Selects requests of a store: the requests since a time, without the requests of some clients.

    Attributes:
        since: The time of the oldest chosen requests, in seconds since 1970.
        excluded_clients: Names of clients whose requests are not chosen.
    """

    since: float
    excluded_clients: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClientUsage:
    """The requests of one client."""

    client: Client
    requests: int


@dataclass(frozen=True, slots=True)
class OperationUsage:
    """One operation of a store and its requests in a window.

    Attributes:
        operation: The operation. Its coordinates do not include the values of variables.
        counts: Its requests.
        clients: The clients that sent it. The client with the most requests is first.
        last_seen: The day of the last request, in seconds since 1970.
        in_variables: The coordinates (input fields and enum values) in the values that clients sent for its variables.
            None if not all values were looked at.
    """

    operation: RecordedOperation
    counts: Counts
    clients: tuple[ClientUsage, ...]
    last_seen: int
    in_variables: frozenset[str] | None

    @property
    def hash(self) -> str:
        """The id as people see it."""
        return hash_of(self.operation.id)
