"""Ends a process of tests in which a test hangs beyond its time limit.

pytest-timeout raises an exception in the main thread when the time of a test is over. This ends no test in which the
event loop swallows the exception (it logs whatever a callback raises), in which the cleanup after it waits for the same
event, or in which C code does not return. Such a test hung for 20 minutes, without a word about where. Now the process
writes the stacks of its threads and ends; pytest-xdist reports the test as failed and continues in a new process.
"""

from __future__ import annotations

import faulthandler
import os
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# A test whose time is over stops its servers, each of which may take 10 s (`ServerProcess.STOP_SECONDS`).
GRACE_SECONDS: Final = 60.0


def time_limit(item: pytest.Item) -> float:
    """How many seconds pytest-timeout gives to the test; 0 if it has no limit."""
    marker = item.get_closest_marker("timeout")
    if marker is not None:
        return float(marker.args[0])
    chosen = item.config.getoption("timeout")
    return float(item.config.getini("timeout") or 0) if chosen is None else float(chosen)


class HangGuard:
    """A plugin of pytest. Make it in `pytest_configure`, before any test captures what the process writes."""

    def __init__(self, config: pytest.Config) -> None:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            self._stderr = os.dup(2)

    def pytest_unconfigure(self) -> None:
        os.close(self._stderr)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        limit = time_limit(item)
        if limit:
            faulthandler.dump_traceback_later(limit + GRACE_SECONDS, exit=True, file=self._stderr)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
