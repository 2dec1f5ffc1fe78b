"""The content of a file that a running service follows. If the file changes, the new content is used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog

from subgraphs.transaction.yaml_file import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

# The time between two checks for a change of the file.
REFRESH_SECONDS: Final = 2.0

_log = structlog.stdlib.get_logger("files")


class LiveFile(Generic[T]):
    """The content of a file. Call `refresh` every `REFRESH_SECONDS`."""

    def __init__(self, path: Path, load: Callable[[Path], T], version: Callable[[T], str], what: str) -> None:
        """Read the file.

        Args:
            path: the file.
            load: reads the file, or raises InvalidFile.
            version: returns the version of the content, for the log.
            what: names the content in log lines, such as `fraud rules`.

        Raises:
            InvalidFile: the file cannot be used.
        """
        self._path = path
        self._load = load
        self._version = version
        self._what = what
        self._state = self._file_state()
        self._current = load(path)

    @property
    def current(self) -> T:
        return self._current

    async def refresh(self) -> None:
        """Read the file again if it has changed. If the new file cannot be used, keep the old content and log why."""
        state = await asyncio.to_thread(self._file_state)
        if state == self._state:
            return
        self._state = state
        before = self._version(self._current)
        try:
            content = await asyncio.to_thread(self._load, self._path)
        except InvalidFile as error:
            _log.error(f"{self._what} not reloaded, the old ones stay", version=before, why=str(error))
            return
        if self._version(content) != before:
            _log.info(f"{self._what} reloaded", version=self._version(content), before=before)
        self._current = content

    def _file_state(self) -> tuple[int, int, int] | None:
        """Return a value that differs after each change of the file. Return None if there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
