"""Reloads after a change of the configuration or supergraph: checks the files, and polls the URL of the supergraph."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from router.lifecycle.read_supergraph_from_file_or_url import UrlSource

if TYPE_CHECKING:
    from router.lifecycle.gateway_generations import Rollover
    from router.lifecycle.reloading import Reloader
    from router.settings import RouterSettings

_JITTER = 0.1
"""The pause between two polls of the URL varies at random, by at most this fraction of the interval.

Without this variation, many routers could poll the URL at the same moment."""


class Watch:
    """Two endless loops: `files` checks the files, `address` polls the URL. A reload can change their intervals."""

    def __init__(self, reloader: Reloader, rollover: Rollover) -> None:
        self._reloader = reloader
        self._rollover = rollover

    async def files(self) -> None:
        """Reload when a file has changed, and has then stayed the same for one interval.

        A program may write a file in several steps. The file must not be read between two of these steps.
        """
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
        """If the supergraph has a URL, poll the URL, and reload when the supergraph has changed.

        If no supergraph is loaded yet, load it at once.
        """
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
