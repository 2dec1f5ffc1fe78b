"""Connections do not use up the open files of the process. Each case runs in a separate process."""

from __future__ import annotations

import sys

import pytest

from tests.servicekit import processes

PROGRAM = """
import resource, sys
from servicekit.open_files import connections_within

soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(connections_within(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed", "raised"),
    [
        pytest.param(1_024, 1_024, 500, 500, 1_024, id="enough"),
        pytest.param(256, 2_048, 1_000, 1_000, 1_250, id="the process raises its limit"),
        pytest.param(256, 1_024, 1_000, 774, 1_024, id="as far as it may"),
        pytest.param(200, 200, 1_000, 1, 200, id="hardly any"),
    ],
)
def test_there_are_files_for_the_connections(soft: int, hard: int, wanted: int, allowed: int, raised: int) -> None:
    with processes.start(PROGRAM, str(soft), str(hard), str(wanted)) as process:
        output, errors = process.communicate(timeout=30)
    assert output.split() == [str(allowed), str(raised)], errors
