"""Known operations from the usage store of the router: the operations that clients really sent in a time window."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import parse

from router.schema_check.operations.known_operations import InvalidOperations, KnownOperation
from router.schema_check.policy.check_settings import UsageRule
from router.usage.open_store import POSTGRES_SCHEMES, open_store
from router.usage.parse_window_and_share import share_of, window_of
from router.usage.usage_queries import read_operations, read_totals

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from router.schema_check.changes import ChangeCode
    from router.schema_check.policy.check_settings import UsageRules
    from router.usage.usage_data import OperationUsage, UsageWindow
    from router.usage.usage_queries import UsageTotals
    from router.usage.usage_store import UsageStore


@dataclass(frozen=True, slots=True)
class CountedRequests:
    """The requests of a usage store that count for a kind of change.

    Attributes:
        window: Which requests count.
        below: A change that breaks less than this share of the requests does not make the check fail.
        requests: The number of requests in the window.
    """

    window: UsageWindow
    below: float
    requests: int

    def suffices(self, requests: int) -> bool:
        """Whether a change that breaks this number of requests makes the check fail."""
        return requests >= self.below * self.requests


@dataclass(frozen=True, slots=True)
class UsageSource:
    """A usage store, and which of its requests count.

    Attributes:
        location: The path or the URL of the store.
        counted: The requests that count for a change whose code has no separate rule.
        by_code: For each code that has a separate rule, the requests that count for a change with this code.
        operation_count: The number of operations in the window of `counted`.
    """

    location: str
    counted: CountedRequests
    by_code: Mapping[ChangeCode, CountedRequests]
    operation_count: int

    @classmethod
    def of(cls, rules: UsageRules) -> UsageSource:
        """Open a store, and count its requests.

        Raises:
            InvalidOperations: The file does not exist, or a window has no requests: the usage is unknown.
            StartupError, StoreFailure: The store cannot be used.
        """
        if not rules.store.startswith(POSTGRES_SCHEMES) and not Path(rules.store).exists():
            raise InvalidOperations(
                f"{rules.store}: no such usage store; the router writes it to usage.file in router.yaml"
            )
        return asyncio.run(_opened(rules))

    def counted_for(self, code: ChangeCode) -> CountedRequests:
        """Return the requests that count for a change with this code."""
        return self.by_code.get(code, self.counted)

    def operations_using(self, window: UsageWindow, coordinates: Collection[str]) -> Sequence[KnownOperation]:
        """Return the operations of a window that used, or may have used, one of the coordinates.

        Raises:
            StoreFailure: The store cannot be read now.
        """
        found = asyncio.run(_read(self.location, window, None, coordinates)) if coordinates else ()
        return [_known(each) for each in found]

    def most_requested(self, limit: int) -> Sequence[KnownOperation]:
        """Return the operations with the most requests, at most `limit`.

        Raises:
            StoreFailure: The store cannot be read now.
        """
        return [_known(each) for each in asyncio.run(_read(self.location, self.counted.window, limit, None))]


def _known(found: OperationUsage) -> KnownOperation:
    return KnownOperation(
        name=found.operation.name or "(anonymous)",
        place=f"usage/{found.hash}",
        document=parse(found.operation.text, no_location=True),
        in_variables=found.in_variables,
        usage=found,
    )


async def _opened(rules: UsageRules) -> UsageSource:
    store = await open_store(rules.store, for_reading=True)
    try:
        windows = _Windows(store, rules)
        usual = await windows.counted(UsageRule(), "--since")
        by_code = {code: await windows.counted(rule, f"usage.rules.{code}.since") for code, rule in rules.rules.items()}
        operations = (await windows.totals(rules.since, rules.exclude_clients))[1].operations
        return UsageSource(rules.store, usual, by_code, operations)
    finally:
        await store.close()


class _Windows:
    """The windows of a store. A window is counted only once, even if several rules have the same window."""

    def __init__(self, store: UsageStore, rules: UsageRules) -> None:
        self._store = store
        self._rules = rules
        self._totals: dict[tuple[str, frozenset[str]], tuple[UsageWindow, UsageTotals]] = {}

    async def counted(self, rule: UsageRule, key: str) -> CountedRequests:
        """Return the requests that a rule counts. `key` is the option or key with the length of its window."""
        usual = self._rules
        excluded = usual.exclude_clients if rule.exclude_clients is None else rule.exclude_clients
        window, found = await self.totals(rule.since or usual.since, excluded)
        if not found.counts.requests:
            raise InvalidOperations(
                f"{_shown(usual.store)}: no request in the window, so it is not known what clients use; "
                f"name a longer window with {key}, or check without the usage store"
            )
        return CountedRequests(window, share_of(rule.below or usual.below), found.counts.requests)

    async def totals(self, since: str, excluded: Sequence[str]) -> tuple[UsageWindow, UsageTotals]:
        """Return a window and its totals."""
        key = since, frozenset(excluded)
        if key not in self._totals:
            window = window_of(since, excluded)
            self._totals[key] = window, await read_totals(self._store, window)
        return self._totals[key]


async def _read(
    location: str, window: UsageWindow, limit: int | None, coordinates: Collection[str] | None
) -> Sequence[OperationUsage]:
    store = await open_store(location, for_reading=True)
    try:
        return await read_operations(store, window, limit, coordinates)
    finally:
        await store.close()


def _shown(location: str) -> str:
    """Return the location without the password that a URL may have."""
    return "the usage store in PostgreSQL" if location.startswith(POSTGRES_SCHEMES) else location
