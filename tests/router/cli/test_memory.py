"""Memory during many reloads under load. `--reloads=200` makes a long run by hand.

Covers `router/lifecycle/resident_memory.py`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.router.cli.test_cli import SECONDS
from tests.router.cli.test_serve import ADMIN, Admin, routing

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
# The memory of a process after its first reloads; the allocator keeps memory that it has once used.
FIRST = 10
FLAT = 1.05
OPERATIONS = [
    f"query Q{number} {{ me {{ id name email accounts(first: {number + 1}) {{ edges {{ node {{ id }} }} }} }} }}"
    for number in range(20)
]


@pytest.mark.timeout(1_800)  # the long run takes minutes, and longer on a busy machine
def test_memory_stays_flat_over_reloads_under_load_and_no_request_fails(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    reloads: int = pytestconfig.getoption("reloads")
    supergraph = (ROOT / "supergraph.graphql").read_text()
    (tmp_path / "supergraph.graphql").write_text(supergraph)
    with routing(tmp_path, f"{ADMIN}reload: {{watch: false}}\nwarm_up: {{rate: 1000}}\n") as running:
        url = f"http://127.0.0.1:{running.event('listening')['port']}/graphql"
        admin = Admin.of(running)
        over = threading.Event()
        statuses: set[int] = set()
        failures: list[BaseException] = []

        def load() -> None:
            with httpx.Client(timeout=SECONDS) as client:
                position = 0
                while not over.is_set():
                    position += 1
                    try:
                        response = client.post(url, json={"query": OPERATIONS[position % len(OPERATIONS)]})
                    except httpx.HTTPError as failure:
                        failures.append(failure)
                    else:
                        statuses.add(response.status_code)

        clients = [threading.Thread(target=load) for _ in range(2)]
        for client in clients:
            client.start()
        try:
            memory = []
            for number in range(FIRST + reloads):
                (tmp_path / "supergraph.graphql").write_text(f"{supergraph}\n# {number}\n")
                (outcome,) = admin.reload().json()["workers"]
                assert outcome["result"] == "reloaded"
                memory.append(admin.workers()[0]["memory_bytes"])
        finally:
            over.set()
            for client in clients:
                client.join(SECONDS)
        record_property("resident_bytes", memory)
        assert failures == []
        assert statuses == {200}
        before, after = max(memory[:FIRST]), max(memory[-FIRST:])
        assert after < before * FLAT, f"{before} -> {after} bytes: {memory}"
