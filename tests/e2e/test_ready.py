"""The REST layer and `mosafe up` agree on what ready means: the first request after it works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.test_crash import open_customer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("failures"), pytest.mark.timeout(300)]


async def readiness(cluster: Cluster) -> tuple[int, dict[str, Any]] | None:
    """The status and body of the REST layer's readiness; None before it listens."""
    try:
        response = await cluster.client.get("/health/ready")
    except httpx.TransportError:
        return None
    return response.status_code, response.json()


async def test_rest_is_not_ready_before_every_service_listens(tmp_path: Path) -> None:
    """Before, it was ready as soon as the router listened, and the first request was 503."""
    async with Cluster(tmp_path) as cluster:
        ann = await open_customer(cluster.client)
        cluster.kill("account")
        cluster.kill("rest")
        cluster.start("rest")
        async with asyncio.timeout(60):
            # On a busy machine, a check of another service may take too long at first.
            while (found := await readiness(cluster)) != (503, {"status": "not ready", "failing": ["accounts"]}):
                assert found is None or (found[0] == 503 and "accounts" in found[1]["failing"])
                await asyncio.sleep(0.05)
        cluster.start("account")
        await cluster.wait_ready("rest")
        response = await cluster.client.get("/api/accounts", headers=ann.headers)
        assert response.status_code == 200
