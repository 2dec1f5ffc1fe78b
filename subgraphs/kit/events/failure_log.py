"""Logs a failure once when it begins and once when it has ended, however often an attempt fails meanwhile."""

from __future__ import annotations

import structlog

_log = structlog.stdlib.get_logger("events")


class FailureLog:
    """The state of one activity that is tried again and again."""

    def __init__(self, began: str, ended: str, **facts: str) -> None:
        """`began` and `ended` are the texts of the two log lines; `facts` are fields of both."""
        self._began = began
        self._ended = ended
        self._facts = facts
        self._is_failing = False

    def failed(self, reason: str) -> None:
        if not self._is_failing:
            _log.error(self._began, reason=reason, **self._facts)
        self._is_failing = True

    def succeeded(self) -> None:
        if self._is_failing:
            _log.info(self._ended, **self._facts)
        self._is_failing = False
