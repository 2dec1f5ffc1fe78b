"""`python -m benchmarks.race.page` writes `docs/benchmarks.md` and its charts from the raw data of a race."""

from __future__ import annotations

import math
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from benchmarks.race.charts import Bar, bar_chart
from benchmarks.race.goals import OURS, exponent, ratio_of, sizes_and_costs, verdicts
from benchmarks.race.results_file import FOLDER, read
from benchmarks.race.scenarios import Kind, Sharing
from benchmarks.race.statistics import estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.race.results_file import Entry, Results, ScenarioResult

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
TEMPLATE: Final = Path(__file__).with_name("page.template")
PROFILE: Final = FOLDER / "profile.md"
CHARTS: Final = {
    "big": ("big", "race-big.svg"),
    "tiny": ("tiny", "race-tiny.svg"),
    "big-fetches": ("big, fetches shared", "race-big-fetches.svg"),
    "big-operations": ("big, whole operations shared", "race-big-operations.svg"),
    "list-1000": ("a list of 1,000 products", "race-list-1000.svg"),
    "cold-200x20": ("start to first answer, 200 subgraphs of 20 types", "race-cold-200x20.svg"),
}


def pages(results: Results) -> dict[str, str]:
    """The files in `docs/` with their text."""
    titles = {each.name: each.title for each in results.routers}
    charts = {file: text for name, (title, file) in CHARTS.items() if (text := _chart(results, name, title, titles))}
    parts = {
        "run": _run(results),
        "routers": _routers(results),
        "charts": "\n\n".join(f"![{_alt(text)}](images/{file})" for file, text in charts.items()),
        "scenarios": "\n\n".join(_scenario(results, each, titles) for each in results.scenarios if _has_table(each)),
        "growth": _growth(results, titles),
        "soak": _soak(results, titles),
        "goals": _goals(results),
        "replay": f"{results.replay:.1f}",
        "profile": PROFILE.read_text("utf-8").strip() if PROFILE.exists() else "No profile is kept.",
    }
    text = Template(TEMPLATE.read_text("utf-8")).substitute(parts)
    return {"benchmarks.md": text, **{f"images/{file}": text for file, text in charts.items()}}


def kept() -> Path:
    """The raw data that the page shows: of the full run, or of a quick one.

    Raises:
        FileNotFoundError: no run was kept.
    """
    for name in ("full.json", "quick.json"):
        if (file := FOLDER / name).exists():
            return file
    raise FileNotFoundError(f"no results in {FOLDER}")


def write_page() -> None:
    """Write the page and its charts from the raw data that is kept."""
    for name, text in pages(read(kept())).items():
        file = DOCS / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)


def micros(value: float) -> str:
    """A time in the unit in which it has few digits."""
    for limit, divisor, unit in ((1e3, 1.0, "µs"), (1e6, 1e3, "ms"), (math.inf, 1e6, "s")):
        if value < limit:
            return f"{value / divisor:.3g} {unit}"
    raise AssertionError("a time is not infinite")


def _alt(svg: str) -> str:
    return svg.partition('<title id="title">')[2].partition("</title>")[0]


def _has_table(scenario: ScenarioResult) -> bool:
    return scenario.kind != Kind.SOAK and not scenario.size


def _run(results: Results) -> str:
    machine = results.machine
    cores = "router on one, load and subgraphs on the other" if machine.is_pinned else "not pinned"
    return (
        f"Run of {results.date}, commit `{results.commit}`, {results.variant}, {results.minutes:.0f} minutes: "
        f"{machine.processor}, {machine.cores} cores ({cores}), {machine.memory_gb} GB, {machine.kernel}, "
        f"Python {machine.python}."
    )


def _routers(results: Results) -> str:
    rows = [(each.title, each.language, each.version or f"absent: {each.absent}") for each in results.routers]
    return "| router | language | version |\n|---|---|---|\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _chart(results: Results, name: str, title: str, titles: Mapping[str, str]) -> str:
    found = results.of(name)
    if found is None:
        return ""
    is_start = found.kind == Kind.COLD_START
    bars = []
    for entry in found.entries:
        if entry.rounds:
            mean = estimate([each.p50 if is_start else each.processor for each in entry.rounds])
            low, high = (mean.low, mean.high) if math.isfinite(mean.high) else (mean.mean, mean.mean)
            text = micros(mean.mean)
            bars.append(Bar(titles[entry.router], mean.mean, low, high, text, is_ours=entry.router == OURS))
    unit = "time until the first answer" if is_start else "processor time of a request"
    return bar_chart(title, f"{unit}; shorter is better", sorted(bars, key=lambda each: each.value)) if bars else ""


def _scenario(results: Results, scenario: ScenarioResult, titles: Mapping[str, str]) -> str:
    head, row = _TABLES[Kind(scenario.kind)]
    rows = [(titles[each.router], *row(results, scenario, each)) for each in scenario.entries if each.rounds]
    left_out = [
        f"- {titles[each.router]} is left out: {_first_line(each.left_out)}"
        for each in scenario.entries
        if each.left_out
    ]
    text = f"### {scenario.title[0].upper()}{scenario.title[1:]}\n\n{_conditions(scenario)}\n\n"
    return text + table(("router", *head), rows) + ("\n\n" + "\n".join(left_out) if left_out else "")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:200]


def _conditions(scenario: ScenarioResult) -> str:
    shared = {
        Sharing.NOTHING: "nothing shared between clients",
        Sharing.FETCHES: "requests to subgraphs shared between clients",
        Sharing.OPERATIONS: "whole operations shared between clients",
    }[Sharing(scenario.sharing)]
    plural = "connection" if scenario.connections == 1 else "connections"
    workers = f", {scenario.workers} workers" if scenario.workers > 1 else ""
    return f"Answer of {scenario.answer_bytes / 1000:,.1f} KB, {scenario.connections} {plural}, {shared}{workers}."


def _cost(results: Results, scenario: ScenarioResult, entry: Entry) -> tuple[str, str]:
    mean = estimate([each.processor for each in entry.rounds])
    interval = f" ({micros(mean.low)} to {micros(mean.high)})" if math.isfinite(mean.high) else ""
    against = ratio_of(results, scenario.name, entry.router, OURS)
    return micros(mean.mean) + interval, _ratio_text(entry, against and (against.mean, against.low, against.high))


def _ratio_text(entry: Entry, found: tuple[float, float, float] | None) -> str:
    if entry.router == OURS or found is None:
        return "1" if entry.router == OURS else "?"
    mean, low, high = found
    return f"{mean:.3g}" + (f" ({low:.3g} to {high:.3g})" if math.isfinite(high) else "")


def _throughput_row(results: Results, scenario: ScenarioResult, entry: Entry) -> tuple[str, ...]:
    def mean(values: list[float]) -> float:
        return estimate(values).mean

    return (
        *_cost(results, scenario, entry),
        f"{mean([each.per_second for each in entry.rounds]):,.0f}",
        micros(mean([each.p50 for each in entry.rounds])),
        micros(mean([each.p99 for each in entry.rounds])),
        f"{mean([max(each.requests, 1e-6) for each in entry.rounds]):.3g}",
        f"{entry.rounds[-1].memory / 1e6:.0f} MB",
    )


def _latency_row(_results: Results, scenario: ScenarioResult, entry: Entry) -> tuple[str, ...]:
    path = scenario.delay_ms * scenario.hops * 1000
    added = [max(each.p50 - path, 1.0) for each in entry.rounds], [max(each.p99 - path, 1.0) for each in entry.rounds]
    return (f"{path / 1000:g} ms", *(micros(estimate(each).mean) for each in added))


def _paced_row(_results: Results, _scenario: ScenarioResult, entry: Entry) -> tuple[str, ...]:
    p50, p99 = (estimate(values) for values in zip(*((each.p50, each.p99) for each in entry.rounds), strict=True))
    tail = estimate([each.p99 / each.p50 for each in entry.rounds])
    rate = estimate([each.per_second for each in entry.rounds]).mean
    return (f"{rate:,.0f}", micros(p50.mean), micros(p99.mean), f"{tail.mean:.3g}")


def _start_row(_results: Results, _scenario: ScenarioResult, entry: Entry) -> tuple[str, ...]:
    start = estimate([each.p50 for each in entry.rounds])
    used = estimate([each.processor for each in entry.rounds])
    return (micros(start.mean), micros(used.mean), f"{entry.rounds[-1].memory / 1e6:.0f} MB")


_THROUGHPUT: Final = ("processor time", "ratio", "requests/s", "p50", "p99", "requests", "memory")
_TABLES: Final = {
    Kind.CLOSED_LOOP: (_THROUGHPUT, _throughput_row),
    Kind.ADDED_LATENCY: (("critical path", "added p50", "added p99"), _latency_row),
    Kind.PACED: (("requests/s", "p50", "p99", "p99 / p50"), _paced_row),
    Kind.COLD_START: (("until the first answer", "processor time", "memory"), _start_row),
}


def _growth(results: Results, titles: Mapping[str, str]) -> str:
    parts = []
    for prefix, what in (("list-", "products"), ("nested-", "users")):
        sizes = sorted({each.size for each in results.scenarios if each.name.startswith(prefix)})
        rows = []
        for router, title in titles.items():
            by_size = dict(zip(*sizes_and_costs(results, prefix, router), strict=True))
            slope = exponent(results, prefix, router, 1)
            if by_size:
                cells = [micros(by_size[each]) if each in by_size else "left out" for each in sizes]
                rows.append((title, *cells, "?" if slope is None else f"{slope:.2f}"))
        if rows:
            parts.append(table((what, *(f"{each:,}" for each in sizes), "exponent"), rows))
    return "\n\n".join(parts) or "Not measured in this run."


def _soak(results: Results, titles: Mapping[str, str]) -> str:
    found = results.of("soak")
    if found is None:
        return "Not measured in this run."
    rows = []
    for entry in found.entries:
        if entry.samples:
            last = entry.samples[-1]
            middle = entry.samples[len(entry.samples) // 2]
            first = entry.samples[min(len(entry.samples) // 10, len(entry.samples) - 1)]
            cells = [f"{each.memory / 1e6:.0f} MB" for each in (first, middle, last)]
            rows.append((titles[entry.router], f"{last.seconds / 60:.1f} min", f"{last.responses:,}", *cells))
    return table(("router", "time", "responses", "memory after a tenth", "after half", "at the end"), rows)


def _goals(results: Results) -> str:
    rows = [
        (each.goal, each.measured or "not measured", ("yes" if each.is_met else "**no**") if each.measured else "?")
        for each in verdicts(results)
    ]
    return table(("goal", "measured", "met"), rows)


if __name__ == "__main__":
    write_page()
