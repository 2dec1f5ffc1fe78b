from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.bank import Bank, open_bank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank
