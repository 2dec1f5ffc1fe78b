from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import Platform, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One running platform for all tests of the session that use it; at the end, it must stop with exit code 0.

    Tests that use it carry `pytest.mark.xdist_group("bank")`, so that one worker runs them all.
    """
    platform = start_platform(tmp_path_factory.mktemp("bank"))
    children = platform.children()
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])
    assert not [child for child in children if child.is_running()]
