from __future__ import annotations

import pytest

from benchmarks.race.profile import ROOT, by_function, by_kind, shares_of_report

REPORT = """
# Samples: 1K of event 'cpu-clock'
#
# Overhead  Shared Object
# ........  ........................
#
    60.25%  libpython3.11.so.1.0
    20.50%  [kernel.kallsyms]
    10.00%  _core.cpython-311-x86_64-linux-gnu.so
     5.00%  python3.11
     0.25%  [vdso]
"""


def test_libraries_are_summed_by_kind() -> None:
    found = by_kind(shares_of_report(REPORT))
    assert [kind for kind, _ in found] == ["Python's interpreter and built-in types", "kernel", "msgspec"]
    assert [share for _, share in found] == pytest.approx([0.6525, 0.2075, 0.1])


def test_functions_have_the_names_of_their_files() -> None:
    found = by_function({f"{ROOT}/router/gateway.py:Gateway.execute": 3, "/x/lib/python3.11/asyncio/events.py:run": 1})
    assert found == [("`router/gateway.py`: `Gateway.execute`", 0.75), ("`asyncio/events.py`: `run`", 0.25)]
