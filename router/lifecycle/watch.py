"""Reload after a change: check the files at one interval, and poll the URL of the supergraph at another."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from router.lifecycle.supergraph_sources import UrlSource

if TYPE_CHECKING:
    from router.lifecycle.gateway_generations import Rollover
    from router.lifecycle.reloading import Reloader
    from router.settings import RouterSettings

_JITTER = 0.1
"""The fraction by which an interval varies at random, so that many routers do not poll at the same moment."""


class Watch:
    """Two endless loops, which run as tasks. The current settings define their intervals."""

    def __init__(self, reloader: Reloader, rollover: Rollover) -> None:
        self._reloader = reloader
        self._rollover = rollover

    async def files(self) -> None:
        """Reload when a file has changed and then has not changed for one interval: a writer may write it in parts."""
        found = tried = self._reloader.seen
        while True:
            await asyncio.sleep(self._settings.reload.watch_interval)
            if not self._settings.reload.watch:
                continue
            before, found = found, self._reloader.file_stamps()
            if found == before and found not in (tried, self._reloader.seen):
                tried = found
                await self._reloader.reload("file")

    async def address(self) -> None:
        """Reload when the supergraph at a URL has changed. If no supergraph is loaded yet, poll at once."""
        if self._rollover.current is None:
            await self._reloader.reload("start")
        while True:
            interval = self._settings.supergraph.poll_interval
            await asyncio.sleep(interval * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311  (not for security)
            if isinstance(self._reloader.source, UrlSource):
                await self._reloader.reload("poll")

    @property
    def _settings(self) -> RouterSettings:
        current = self._rollover.current
        return current.settings if current is not None else self._reloader.settings
