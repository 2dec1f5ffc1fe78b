from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from servicekit.logging import configure
from servicekit.settings import ProcessSettings, load
from tests.servicekit import raw_http

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Undo what `servicekit.logging.configure` does to the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    configure("test", load(ProcessSettings, {}))  # without a background writer
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(params=["uvicorn", "own"])
def each_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with each of the two HTTP servers."""
    monkeypatch.setattr(raw_http, "server_under_test", request.param)
