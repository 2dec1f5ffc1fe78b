from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from servicekit.logging import configure
from servicekit.settings import ProcessSettings, load

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
