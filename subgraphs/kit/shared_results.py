"""Resolves identical fields only once in a request: fields of the same object with the same name and arguments.

`{ a: accounts { nodes { owner { accounts { ... } } } } b: accounts { ... } }` asks for the same lists several times.
Only results of asynchronous resolvers are shared. A synchronous resolver reads an attribute, which is cheaper than a
look-up of its result. In a mutation, nothing is shared, because its fields change the data that later fields read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


class SharedResults:
    """The results of one request. `cancel` cancels the resolvers that still run."""

    def __init__(self) -> None:
        # Maps a pair (the field with its arguments, the id of the object) to the objects with this id. Each object
        # comes with the task that computes its result.
        self._tasks: dict[Hashable, list[tuple[object, asyncio.Future[Any]]]] = {}

    def get(self, key: Hashable, source: object, resolve: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
        """Return the result for `source`. `resolve` computes it at the first call with an equal source and key.

        The client of the subgraph chooses the fields of a representation. So two objects with the same id may have
        different fields. They share a result only if all their fields are equal.
        """
        same_id = self._tasks.setdefault((key, _identity(source)), [])
        for known, task in same_id:
            if known is source or (hasattr(source, "id") and known == source):
                return asyncio.shield(task)
        task = asyncio.ensure_future(resolve())
        same_id.append((source, task))
        # A caller that waits may be cancelled because a sibling field failed. The task is shielded, because other
        # callers still need the result.
        return asyncio.shield(task)

    async def cancel(self) -> None:
        """Cancel the resolvers that still run, and wait until they have ended."""
        tasks = [task for same_id in self._tasks.values() for _, task in same_id]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _identity(source: object) -> Hashable:
    """Return the type and the id of an entity. For an object without an id, use its identity in Python (`id()`)."""
    return (type(source), getattr(source, "id", id(source)))


def frozen(value: Any) -> Hashable:
    """Return a hashable key for coerced arguments or JSON. The keys of `1`, `1.0` and `true` differ."""
    if isinstance(value, dict):
        return tuple((name, frozen(each)) for name, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(each) for each in value)
    return (type(value), value)
