"""`mosafe sandbox-provider` as a process: it serves over a socket, and a kill forgets nothing.

Covers `mosafe/sandbox_provider/cli.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from bank.values import new_object_id
from tests.ports import free_ports
from tests.subgraphs.transaction.payments.support import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND: Final = (sys.executable, "-m", "mosafe", "sandbox-provider")


def environment(folder: Path, **variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "MOSAFE_DATA_DIR": str(folder), "MOSAFE_LOG_FORMAT": "json", **variables}


@contextmanager
def serving(folder: Path, port: int) -> Iterator[httpx.Client]:
    """A running provider, which is killed afterwards."""
    given = environment(folder, SANDBOX_PROVIDER_PORT=str(port), PAYMENT_PROVIDER_KEY=KEY)
    with subprocess.Popen(COMMAND, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if '"listening"' in line:
                    break
            else:
                raise AssertionError("".join(lines))
            headers = {"authorization": f"Bearer {KEY}"}
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30
            ) as client:
                yield client
        finally:
            process.kill()


def test_a_killed_provider_forgets_nothing(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    order = {"orderId": new_object_id(), "type": "DEPOSIT", "amount": "10.00", "currency": "USD"}
    path = f"/v1/payments/{order['orderId']}"
    with serving(tmp_path, port) as client:
        assert client.get("/health/ready").status_code == 200
        assert client.post("/v1/payments", json=order).status_code == 201
        assert client.post(f"{path}/capture").status_code == 200
    with serving(tmp_path, port) as client:
        assert client.post("/v1/payments", json=order).status_code == 200
        assert client.get(path).json()["state"] == "CAPTURED"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "PAYMENT_PROVIDER_KEY: the sandbox provider needs the key that callers send"),
        ({"PAYMENT_PROVIDER_KEY": "short"}, "PAYMENT_PROVIDER_KEY"),
        ({"PAYMENT_PROVIDER_KEY": KEY, "SANDBOX_PROVIDER_SETTLE_SECONDS": "-1"}, "SANDBOX_PROVIDER_SETTLE_SECONDS"),
    ],
)
def test_a_wrong_variable_stops_the_start(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    done = subprocess.run(
        COMMAND, env=environment(tmp_path, **variables), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
