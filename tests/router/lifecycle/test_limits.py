"""Limits in measure mode, as operators see them in the log and in the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from tests.router.lifecycle.harness import QUICK, running, write

if TYPE_CHECKING:
    from pathlib import Path

DEEP, FLAT = {"query": "{ me { id } }"}, {"query": "{ __typename }"}


async def test_a_measured_limit_is_in_the_log_of_each_request_and_in_the_status(tmp_path: Path) -> None:
    settings = f"{QUICK}limits: {{depth: 1, measure: [depth]}}\n"
    async with running(write(tmp_path, 1, settings)) as live:
        with capture_logs() as lines:
            for payload in (DEEP, FLAT, DEEP):
                assert (await live.client.post(payload)).status == 200
        exceeded = [line.get("exceeds") for line in lines if line["event"] == "request"]
        assert exceeded == [["depth"], None, ["depth"]]
        assert (await live.status())["limits_exceeded"] == {"depth": 2}


async def test_the_same_limit_enforced_refuses_and_counts(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1, f"{QUICK}limits: {{depth: 1}}\n")) as live:
        for _ in range(2):
            assert (await live.client.post(DEEP)).code == "MAX_DEPTH_LIMIT"
        assert (await live.status())["limits_exceeded"] == {"depth": 2}
