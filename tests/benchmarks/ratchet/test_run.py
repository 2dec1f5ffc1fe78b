from __future__ import annotations

import pytest

from benchmarks.ratchet.run import compared, total_of_dump


def test_the_total_of_a_dump() -> None:
    assert (
        total_of_dump("# callgrind format\nversion: 1\nevents: Ir\nsummary: 69512345\nfn=(1) main\n1 2\n") == 69_512_345
    )
    assert total_of_dump("events: Ir\nfn=(1) main\n1 2\ntotals: 2\n") == 2


def test_a_text_without_total_is_refused() -> None:
    with pytest.raises(ValueError, match="no total"):
        total_of_dump("fn=(1) main\n")


def test_more_than_three_percent_more_is_too_much() -> None:
    before = {"tiny": 1000.0, "big": 1000.0, "gone": 1.0, "faster": 1000.0}
    found = compared(before, {"tiny": 1029.0, "big": 1031.0, "faster": 500.0, "new": 1.0})
    assert [(name, is_too_large) for name, _, _, is_too_large in found] == [
        ("tiny", False),
        ("big", True),
        ("faster", False),
    ]
    assert found[2][2] == pytest.approx(-0.5)
