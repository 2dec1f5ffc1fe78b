"""Known operations from the usage store of the router: the operations that clients really sent in a time window."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import parse

from router.schema_check.operations.known_operations import InvalidOperations, KnownOperation
from router.usage.open_store import POSTGRES_SCHEMES, open_store
from router.usage.usage_queries import read_operations, read_totals

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from router.usage.usage_data import OperationUsage, UsageWindow
    from router.usage.usage_queries import UsageTotals


@dataclass(frozen=True, slots=True)
class UsageSource:
    """A usage store, and which of its requests count.

    Attributes:
        location: The path or the URL of the store.
        window: Which requests count.
        below: A change that breaks less than this share of the requests does not make the check fail.
        requests: The number of requests in the window.
        operation_count: The number of operations in the window.
    """

    location: str
    window: UsageWindow
    below: float
    requests: int
    operation_count: int

    @classmethod
    def of(cls, location: str, window: UsageWindow, below: float) -> UsageSource:
        """Open a store, and count its requests.

        Raises:
            InvalidOperations: The file does not exist, or the window has no requests: the usage is unknown.
            StartupError, StoreFailure: The store cannot be used.
        """
        if not location.startswith(POSTGRES_SCHEMES) and not Path(location).exists():
            raise InvalidOperations(
                f"{location}: no such usage store; the router writes it to usage.file in router.yaml"
            )
        totals = asyncio.run(_totals(location, window))
        if not totals.counts.requests:
            raise InvalidOperations(
                f"{_shown(location)}: no request in the window, so it is not known what clients use; "
                "name a longer window with --since, or check without the usage store"
            )
        return cls(location, window, below, totals.counts.requests, totals.operations)

    def operations_using(self, coordinates: Collection[str]) -> Sequence[KnownOperation]:
        """Return the operations that used, or may have used, one of the coordinates.

        Raises:
            StoreFailure: The store cannot be read now.
        """
        found = asyncio.run(_using(self.location, self.window, coordinates)) if coordinates else ()
        return [
            KnownOperation(
                name=each.operation.name or "(anonymous)",
                place=f"usage/{each.hash}",
                document=parse(each.operation.text, no_location=True),
                in_variables=each.in_variables,
                usage=each,
            )
            for each in found
        ]


async def _totals(location: str, window: UsageWindow) -> UsageTotals:
    store = await open_store(location)
    try:
        return await read_totals(store, window)
    finally:
        await store.close()


async def _using(location: str, window: UsageWindow, coordinates: Collection[str]) -> Sequence[OperationUsage]:
    store = await open_store(location)
    try:
        return await read_operations(store, window, None, coordinates)
    finally:
        await store.close()


def _shown(location: str) -> str:
    """Return the location without the password that a URL may have."""
    return "the usage store in PostgreSQL" if location.startswith(POSTGRES_SCHEMES) else location
