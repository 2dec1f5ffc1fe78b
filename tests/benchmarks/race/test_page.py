"""benchmarks/race/page.py and goals.py, with figures that are made up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from benchmarks.race.goals import verdicts
from benchmarks.race.page import DOCS, kept, micros, pages
from benchmarks.race.results_file import (
    Entry,
    Machine,
    Results,
    Round,
    RouterInfo,
    Sample,
    ScenarioResult,
    read,
    write,
)
from benchmarks.race.scenarios import Kind, scenarios

if TYPE_CHECKING:
    from pathlib import Path

FACTORS = {"ours": 1.0, "ours-policies": 1.1, "apollo-gateway": 20.0, "hive-router": 0.5}


def rounds(factor: float, size: int) -> list[Round]:
    return [
        Round(
            processor=1000 * factor * noise * max(size, 1),
            per_second=1000 / factor,
            p50=30_000 * factor,
            p99=60_000 * factor,
            requests=7,
            responses=1000,
            memory=80_000_000,
        )
        for noise in (1.0, 1.1, 0.9)
    ]


def results() -> Results:
    """A race of three routers and one that is absent; Apollo Gateway is left out of `errors`."""
    found = []
    for each in scenarios():
        samples = [Sample(second, second * 100, 70_000_000 + second) for second in range(10)]
        entries = [
            Entry(router=name, samples=samples)
            if each.kind is Kind.SOAK
            else Entry(router=name, rounds=rounds(factor, each.size))
            for name, factor in FACTORS.items()
        ]
        if each.name == "errors":
            entries[1] = Entry(router="apollo-gateway", left_out="the answer to request 9 has no errors\nmore")
        found.append(
            ScenarioResult(
                name=each.name,
                title=each.title,
                kind=each.kind.value,
                sharing=each.sharing.value,
                connections=each.connections,
                answer_bytes=90_000,
                entries=entries,
                size=each.size,
                delay_ms=each.delay_ms,
                hops=each.hops,
                workers=each.workers,
            )
        )
    return Results(
        date="2026-01-02",
        commit="abc",
        variant="quick run",
        machine=Machine(processor="P", cores=2, memory_gb=8, kernel="Linux 6", python="3.11", is_pinned=True),
        replay=4.2,
        minutes=9,
        routers=[
            *(RouterInfo(name=name, title=name.title(), language="X", version="1") for name in FACTORS),
            RouterInfo(name="mercurius", title="Mercurius", language="X", absent="no Node.js"),
        ],
        scenarios=found,
    )


def test_every_scenario_is_on_the_page() -> None:
    page = pages(results())["benchmarks.md"]
    for each in scenarios():
        if not each.size and each.kind is not Kind.SOAK:
            assert f"### {each.title[0].upper()}{each.title[1:]}\n" in page
    assert "| Mercurius | X | absent: no Node.js |" in page
    assert "- Apollo-Gateway is left out: the answer to request 9 has no errors\n" in page
    assert "It costs 4.2 µs a request" in page
    assert "$" not in page


def test_tables_are_regular() -> None:
    page = pages(results())["benchmarks.md"]
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_charts_that_the_page_shows_are_written() -> None:
    written = pages(results())
    shown = set(re.findall(r"\]\((images/[^)]+)\)", written["benchmarks.md"]))
    assert shown == written.keys() - {"benchmarks.md"}
    for name in shown:
        assert len(list(ET.fromstring(written[name]).iter("{http://www.w3.org/2000/svg}rect"))) == len(FACTORS)  # noqa: S314 - our own text


def test_goals_are_judged() -> None:
    found = {each.goal: each for each in verdicts(results())}
    assert not found["big: at most 1.0 × Hive Router"].is_met  # noqa: RUF001 - the sign of multiplication is meant
    assert found["big: at most 1/15 of Apollo Gateway"].is_met
    cosmo = found["big: at most 0.25 × Cosmo Router"]  # noqa: RUF001 - the sign of multiplication is meant
    assert (cosmo.measured, cosmo.is_met) == (None, False)
    assert found["memory of a worker at most 90 MB at the end of the long run"].is_met
    assert found["cost grows with the number of entities with an exponent of at most 1.02"].is_met


def test_results_are_kept_with_five_digits(tmp_path: Path) -> None:
    kept = results()
    kept.replay = 4.123456789
    write(kept, tmp_path / "results.json")
    again = read(tmp_path / "results.json")
    assert again.replay == 4.1235
    again.replay = kept.replay
    assert pages(again) == pages(kept)


def test_units_of_times() -> None:
    assert [micros(each) for each in (1.234, 999, 12_345, 3_210_000)] == ["1.23 µs", "999 µs", "12.3 ms", "3.21 s"]


def test_the_page_shows_the_kept_results() -> None:
    """`make race-page` writes it again."""
    for name, text in pages(read(kept())).items():
        assert (DOCS / name).read_text("utf-8") == text
