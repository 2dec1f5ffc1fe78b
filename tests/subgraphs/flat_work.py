"""Compares the work of reads in a short and in a long history: it must not grow with the history.

Work is what a store counts (steps of SQLite's virtual machine, keys and documents that MongoDB looks at), not time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SHORT: Final = 1_000
LONG: Final = 10_000
# A deeper tree of an index has a few more steps, and a page may be at another place of it.
_TOLERANCE: Final = 1.3
_FEW: Final = 60


async def work_of(reads: Mapping[str, Callable[[], Awaitable[object]]], count: Callable[[], int]) -> dict[str, int]:
    """Run each read, and return its work; `count` returns the work since its last call."""
    work = {}
    for name, read in reads.items():
        count()
        await read()
        work[name] = count()
    return work


def check_flat(short: Mapping[str, int], long: Mapping[str, int]) -> None:
    """Fail if a read did much more in the long history than in the short one, or if nothing was counted."""
    assert sum(short.values()), short
    grown = {name: (short[name], work) for name, work in long.items() if work > _TOLERANCE * short[name] + _FEW}
    assert not grown, grown
