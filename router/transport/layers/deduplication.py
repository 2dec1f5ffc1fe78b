"""Exchanges that are under way already are not begun again.

    first    ──────── exchange ────────>  answer
    second        └── waits ───────────>  the same bytes, which it decodes for itself

The first caller runs the exchange in its own task, so a query that nobody else asks for costs a look into a table. If
its client leaves, the exchange ends with it and the next one waiting begins it anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from router.transport.http1.connection import RawResponse


class InFlight:
    """Exchanges under way, by what makes two of them the same; `shared` counts those that were not begun."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[asyncio.Future[RawResponse | None]]] = {}
        self.shared = 0

    async def exchange(self, key: Hashable, begin: Callable[[], Awaitable[RawResponse]]) -> RawResponse:
        """The answer of the exchange under `key`, begun if it is not under way. Raises what the exchange raises."""
        while (waiting := self._waiting.get(key)) is not None:
            answer: asyncio.Future[RawResponse | None] = asyncio.get_running_loop().create_future()
            waiting.append(answer)
            self.shared += 1
            raw = await answer
            if raw is not None:
                return raw
            self.shared -= 1  # whoever ran it is gone
        return await self._run(key, begin)

    async def _run(self, key: Hashable, begin: Callable[[], Awaitable[RawResponse]]) -> RawResponse:
        waiting: list[asyncio.Future[RawResponse | None]] = []
        self._waiting[key] = waiting
        raw: RawResponse | None = None
        failure: Exception | None = None
        try:
            raw = await begin()
            return raw
        except Exception as error:
            failure = error
            raise
        finally:
            del self._waiting[key]
            for answer in waiting:
                if answer.done():  # its client is gone
                    continue
                if failure is not None:
                    answer.set_exception(failure)
                else:
                    answer.set_result(raw)
