from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import ROOT, Platform, start_platform
from tests.router.every_policy import configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mosafe.local_servers.redis_server import RedisServer


@pytest.fixture(scope="session")
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One running platform for all tests of the session that use it; at the end, it must stop with exit code 0.

    With the option `--every-policy`, every policy of the router is on (`tests/router/every_policy/router.yaml`).

    The services do not require signatures, because some of these tests send requests to their ports.
    `test_signatures.py`, and the tests with their own platforms, have signatures on.

    Tests that use it carry `pytest.mark.xdist_group("bank")`, so that one worker runs them all.
    """
    folder = tmp_path_factory.mktemp("bank")
    if request.config.getoption("--every-policy"):
        redis: RedisServer = request.getfixturevalue("redis_server")
        file = configuration.write_for_bank(tmp_path_factory.mktemp("every_policy"))
        variables = {
            configuration.REDIS_VARIABLE: redis.url,
            "PYTHONPATH": str(ROOT),
            "SUBGRAPH_SIGNATURES": "off",
            "SUBGRAPH_SIGNATURE_SECRET": secrets.token_hex(32),  # the router signs all the same
        }
        platform = start_platform(folder, "--router-config", str(file), **variables)
    else:
        platform = start_platform(folder, SUBGRAPH_SIGNATURES="off")
    children = platform.children()
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])
    assert not [child for child in children if child.is_running()]
