"""Documents that are never sent again leave no garbage that grows with their number."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from router.preparation.collect_garbage_after_large_documents import GarbageAfterLargeDocuments

if TYPE_CHECKING:
    import pytest


def test_the_collector_runs_when_enough_text_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: runs.append(1))
    garbage = GarbageAfterLargeDocuments(characters=100)
    for characters, expected in ((60, 0), (39, 0), (1, 1), (99, 1), (500, 2), (1, 2)):
        garbage.count(characters)
        assert len(runs) == expected
