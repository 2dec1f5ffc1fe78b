"""The rules of a running service. If the rules file changes, the service uses the new rules without a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from subgraphs.transaction.fraud.rules_file import DEFAULT_RULES, InvalidRules, load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.transaction.fraud.rules.rule_set import RuleSet

# The pause between two checks of whether the file has changed.
REFRESH_SECONDS: Final = 2.0

_log = structlog.stdlib.get_logger("fraud")


class CurrentRules(Protocol):
    """The rules that are valid now."""

    @property
    def current(self) -> RuleSet: ...


class LiveRules:
    """The rules of a file. Call `refresh` every `REFRESH_SECONDS`."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the rules file. Without a path, use the bundled rules in shadow mode.

        The bundled rules were not written for the customers of this bank. In shadow mode, their hits are recorded, but
        every order is allowed. An operator who wants the bundled rules to act copies them to a file.

        Raises:
            InvalidRules: the file cannot be used.
        """
        self._path = path or DEFAULT_RULES
        self._enforced = path is not None
        self._state = self._file_state()
        self._current = self._load()

    @property
    def current(self) -> RuleSet:
        return self._current

    async def refresh(self) -> None:
        """Read the file again if it has changed. If the new file cannot be used, keep the old rules and log why."""
        state = await asyncio.to_thread(self._file_state)
        if state == self._state:
            return
        self._state = state
        try:
            rules = await asyncio.to_thread(self._load)
        except InvalidRules as error:
            _log.error(
                "fraud rules not reloaded, the old ones stay", version=self._current.full_version, why=str(error)
            )
            return
        if rules.full_version != self._current.full_version:
            _log.info("fraud rules reloaded", version=rules.full_version, before=self._current.full_version)
        self._current = rules

    def _load(self) -> RuleSet:
        rules = load_rules(self._path)
        return rules if self._enforced else rules.in_shadow_mode()

    def _file_state(self) -> tuple[int, int, int] | None:
        """Return a value that differs after each change of the file. Return None if there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
