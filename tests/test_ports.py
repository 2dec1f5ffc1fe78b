"""`tests/ports.py`: two processes never get the same port."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests import ports

ROOT = Path(__file__).parent.parent


def test_ports_are_distinct_and_those_in_use_are_left_out() -> None:
    first = ports.free_port()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", first))
        around = [ports.free_port() for _ in range(ports.BLOCK - 1)]
        assert first not in {*around, ports.free_port()}
    assert len(set(ports.free_ports(10))) == 10


def test_another_process_gets_other_ports() -> None:
    code = f"from tests.ports import free_ports; print(*free_ports({ports.BLOCK}))"
    theirs = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {*map(int, theirs.split())}.intersection(ports.free_ports(ports.BLOCK // 2))


def test_no_outgoing_connection_gets_one_of_them() -> None:
    if not ports.CHOSEN_BY_KERNEL.exists():
        return
    first, last = map(int, ports.CHOSEN_BY_KERNEL.read_text().split())
    is_usual = first >= ports.FIRST_OF_USERS + ports.BLOCK * ports.BLOCKS
    assert not is_usual or not first <= ports.free_port() <= last
