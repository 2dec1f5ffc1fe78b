"""Rate limits hold across four workers that count in one Redis, also while Redis is killed and started again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from mosafe.local_servers.redis_server import RedisServer
from tests.router.cli.test_cli import SECONDS, serving
from tests.router.shop import SDL
from tests.servers import running

if TYPE_CHECKING:
    from pathlib import Path

WORKERS = 4
LIMIT = 20


def statuses(url: str, count: int) -> Counter[int]:
    def one(_number: int) -> int:
        # A new connection for each request, so that all workers get some.
        return httpx.post(url, json={"query": "{ __typename }"}, timeout=SECONDS).status_code

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(one, range(count)))


def test_four_workers_allow_what_one_would(tmp_path: Path) -> None:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    with running(RedisServer(tmp_path)) as redis:
        (tmp_path / "router.yaml").write_text(
            f"server: {{port: 0}}\nreload: {{watch: false}}\n"
            f"rate_limits: {{rules: [{{name: r, limit: {LIMIT}, period: 60m}}],"
            f" redis: {{url: '{redis.url}', timeout: 5s, unavailable: local}}}}\n"
        )
        with serving(tmp_path, "--config", "router.yaml", "--workers", str(WORKERS)) as router:
            listening, *_ = router.events("listening", *["a worker serves"] * WORKERS)
            url = f"http://127.0.0.1:{listening['port']}/graphql"
            assert statuses(url, 60) == {200: LIMIT, 429: 60 - LIMIT}
            redis.kill()
            # Each worker counts by itself: no request fails, and no worker allows more than the limit.
            found = statuses(url, 120)
            assert LIMIT <= found[200] <= WORKERS * LIMIT
            assert found[200] + found[429] == 120
