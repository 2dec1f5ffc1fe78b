"""A store at one moment, whose parts can be read one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from mosafe.backup.manifest import StoreFacts

Write: TypeAlias = Callable[[bytes], object]


class Part(NamedTuple):
    """One file of a backup: its name, and a function that writes it and returns the number of records."""

    name: str
    dump: Callable[[Write], int | None]


class StoreSnapshot(Protocol):
    """A store, which may change, while the snapshot does not."""

    @property
    def facts(self) -> StoreFacts:
        """What the backup promises about the store."""

    def parts(self) -> Iterator[Part]:
        """Yield the parts. Each is dumped before the next one is asked for."""
