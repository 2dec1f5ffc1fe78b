"""Runs a real server for the time of a block; the shared ones are fixtures of `tests/conftest.py`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

S = TypeVar("S", bound=ServerProcess)


@contextmanager
def running(server: S) -> Iterator[S]:
    """Run `server` inside the block. Without its package the test is skipped, but it fails where CI is set."""
    try:
        server.start()
    except ServerNotInstalled as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()
