from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers.peers import Peers, start_peers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    yield from start_peers()
