"""Resolves an identical field once in a request: the same object, field and arguments, wherever the query has it.

`{ a: accounts { nodes { owner { accounts { ... } } } } b: accounts { ... } }` asks for the same lists again and again.
Only results of asynchronous resolvers are shared: a synchronous one reads an attribute, which costs less than looking
its result up. Nothing is shared in a mutation, whose fields change what the next ones read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable


class SharedResults:
    """The results of one request. `cancel` ends those that are still computed."""

    def __init__(self) -> None:
        # By field, arguments and the id of the object: the objects with this id, and the task of each.
        self._tasks: dict[Hashable, list[tuple[object, asyncio.Future[Any]]]] = {}

    def get(self, key: Hashable, source: object, resolve: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
        """The result for `source`, which `resolve` computes at the first call with an equal source and key.

        Objects that have the same id may still differ, because a representation is a claim; so they are compared.
        """
        same_id = self._tasks.setdefault((key, _identity(source)), [])
        for known, task in same_id:
            if known is source or (hasattr(source, "id") and known == source):
                return asyncio.shield(task)
        task = asyncio.ensure_future(resolve())
        same_id.append((source, task))
        # A caller that waits may be cancelled because a sibling field failed. The other callers still need the result.
        return asyncio.shield(task)

    async def cancel(self) -> None:
        """Cancel what is still computed, and wait until it has ended."""
        tasks = [task for same_id in self._tasks.values() for _, task in same_id]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _identity(source: object) -> Hashable:
    """The id of an entity; the identity of an object without one."""
    return (type(source), getattr(source, "id", id(source)))


def frozen(value: Any) -> Hashable:
    """A hashable key for coerced arguments or JSON, in which `1`, `1.0` and `true` differ."""
    if isinstance(value, dict):
        return tuple((name, frozen(each)) for name, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(each) for each in value)
    return (type(value), value)
