"""Checks at a service's start that its store belongs to the installation, and counts its changes (bank §4.8)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from bank import values
from bank.store_records import StoreMismatch, StoreRecords
from servicekit.errors import ServiceError, StartupError
from subgraphs.kit.store_factory import SQLITE, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from bank.store_records import StoreState
    from subgraphs.kit.store_factory import Clock, StoreAddress, Stores


_log = structlog.stdlib.get_logger("stores")


class IdentifiedStore(Protocol):
    """A store that has an id, counts its changes, and remembers the states of the installation's other stores.

    A state is the id of a store and the number of its changes.
    """

    async def identity(self) -> StoreState:
        """Return the store's id and the number of its changes. Raises Unavailable when the store does not respond."""

    async def known_stores(self) -> Mapping[str, StoreState]:
        """Return the states of the other stores, as this store remembers them, by the name of the store."""

    async def remember(self, stores: Mapping[str, StoreState]) -> None:
        """Replace the remembered states of the other stores by `stores`."""

    def report_changes(self, to: Callable[[int], None] | None) -> None:
        """After each commit that changes users, money or orders, call `to` with the number of changes."""

    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""


S = TypeVar("S", bound=IdentifiedStore)


def refuse_missing(address: StoreAddress, name: str, data_dir: Path) -> None:
    """Check that the file of a recorded store exists.

    Call this before the store is opened, because opening it would create a new file.

    Raises:
        StoreMismatch: the file is missing.
        StartupError: the records cannot be read.
    """
    recorded = StoreRecords(data_dir).read().get(name)
    if recorded is not None and address.scheme == SQLITE and not address.sqlite_file.exists():
        raise StoreMismatch(
            f"The {name} store is missing: {address.sqlite_file} had {recorded.changes} recorded changes"
        )


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The place of a store: its name in the installation, its address, and the data directory with the records."""

    name: str
    address: StoreAddress
    data_dir: Path


@asynccontextmanager
async def open_joined(place: StorePlace, stores: Stores[S], *, clock: Clock = values.now) -> AsyncIterator[S]:
    """Open the store at `place`, and check that it belongs to the installation. Record its changes inside the block.

    Raises:
        ConfigurationError: see `open_store`.
        StoreMismatch: the store was lost, is an older copy, or belongs to another installation.
        StartupError: the store cannot be opened, or the records cannot be read or written.
    """
    refuse_missing(place.address, place.name, place.data_dir)
    async with open_store(place.address, stores, clock=clock) as store, joined(store, place.name, place.data_dir):
        yield store


@asynccontextmanager
async def joined(store: IdentifiedStore, name: str, data_dir: Path) -> AsyncIterator[None]:
    """Check `store` against the records in `data_dir`, and record its changes inside the block.

    Raises:
        StoreMismatch: the store was lost, is an older copy, or belongs to another installation.
        StartupError: the records cannot be read or written.
    """
    records = StoreRecords(data_dir)
    before = records.read()
    own, known = await store.identity(), await store.known_stores()
    await store.remember(records.join(name, own, known, before))
    counter = records.counter(name, own.id)
    store.report_changes(counter.raise_to)
    try:
        yield
    finally:
        store.report_changes(None)
        counter.close()
        await _remember_others(store, name, records)


async def _remember_others(store: IdentifiedStore, name: str, records: StoreRecords) -> None:
    """Make `store` remember the states of the other stores in `records`.

    This is done at the end, because other services may have recorded their stores since this service started.
    """
    try:
        await store.remember({peer: state for peer, state in records.read().items() if peer != name})
    except (ServiceError, StartupError) as error:
        # The store keeps the states that it got when the service started. They are older, but not wrong.
        _log.warning("cannot remember the other stores", reason=str(error))
