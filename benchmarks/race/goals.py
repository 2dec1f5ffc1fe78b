"""What the router should reach, as ratios within one race, and whether it did."""

# ruff: noqa: RUF001  (the sign of multiplication is meant)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.race.statistics import Estimate, estimate, growth_exponent, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.race.results_file import Results, Round

OURS: Final = "ours"
WITH_POLICIES: Final = "ours-policies"


class Verdict(NamedTuple):
    """A goal, what was measured (None if it was not), and whether the goal was met."""

    goal: str
    measured: str | None
    is_met: bool


@dataclass(frozen=True, slots=True)
class _Ratio:
    """The processor time of the router `measured` in a scenario, divided by that of another router."""

    scenario: str
    router: str
    most: float
    goal: str
    measured: str = OURS

    def verdict(self, results: Results) -> Verdict:
        found = ratio_of(results, self.scenario, self.measured, self.router)
        if found is None:
            return Verdict(self.goal, None, is_met=False)
        return Verdict(self.goal, f"{found.mean:.3g}× ({found.low:.3g} to {found.high:.3g})", found.mean <= self.most)


def values(results: Results, scenario: str, router: str, value: Callable[[Round], float]) -> list[float]:
    """One figure of each round; empty if the router was not measured in this scenario."""
    measured = results.of(scenario)
    entry = measured.of(router) if measured else None
    return [value(each) for each in entry.rounds] if entry else []


def processor(results: Results, scenario: str, router: str) -> list[float]:
    return values(results, scenario, router, lambda each: each.processor)


def ratio_of(results: Results, scenario: str, router: str, other: str) -> Estimate | None:
    """The processor time of `router` divided by that of `other`, None if one was not measured."""
    mine, theirs = processor(results, scenario, router), processor(results, scenario, other)
    return ratio(mine, theirs) if mine and len(mine) == len(theirs) else None


def sizes_and_costs(results: Results, prefix: str, router: str) -> tuple[list[float], list[float]]:
    """The sizes of the scenarios whose names begin with `prefix`, and the mean processor time of each."""
    pairs = [
        (float(each.size), estimate(found).mean)
        for each in results.scenarios
        if each.name.startswith(prefix) and (found := processor(results, each.name, router))
    ]
    return [size for size, _ in pairs], [cost for _, cost in pairs]


def exponent(results: Results, prefix: str, router: str, smallest: int) -> float | None:
    """How the processor time grows from the size `smallest` on, None with fewer than two sizes."""
    sizes, costs = sizes_and_costs(results, prefix, router)
    kept = [(size, cost) for size, cost in zip(sizes, costs, strict=True) if size >= smallest]
    if len(kept) <= 1:
        return None
    return growth_exponent([size for size, _ in kept], [cost for _, cost in kept])


def _at_most(goal: str, found: float | None, most: float, unit: str) -> Verdict:
    return Verdict(goal, None if found is None else f"{found:.3g}{unit}", found is not None and found <= most)


def _mean(found: Sequence[float]) -> float | None:
    return estimate(found).mean if found else None


def _absolute(results: Results) -> Iterator[Verdict]:
    tails = values(results, "paced", OURS, lambda each: each.p99 / each.p50)
    yield _at_most("p99 at 70 % load at most 2.5 × p50", _mean(tails), 2.5, "×")
    soak = results.of("soak")
    entry = soak.of(OURS) if soak else None
    memory = entry.samples[-1].memory / 1e6 if entry and entry.samples else None
    yield _at_most("memory of a worker at most 90 MB at the end of the long run", memory, 90, " MB")
    pairs = ratio_pairs(processor(results, "big-2-workers", OURS), processor(results, "big", OURS))
    yield _at_most("two workers: processor time of a request at most 1.11 × that of one", _mean(pairs), 1.11, "×")
    growth = exponent(results, "nested-", OURS, 1)
    yield _at_most("cost grows with the size of answers with an exponent of at most 1.02", growth, 1.02, "")
    growth = exponent(results, "list-", OURS, 1)
    yield _at_most("cost grows with the number of entities with an exponent of at most 1.02", growth, 1.02, "")
    for scenario, most in (("cold-200x20", 2.5), ("cold-100x100", 5.0)):
        seconds = [each / 1e6 for each in values(results, scenario, OURS, lambda each: each.p50)]
        text = f"start to first answer, {scenario.removeprefix('cold-').replace('x', ' subgraphs × ')} types"
        yield _at_most(f"{text}, at most {most:g} s", _mean(seconds), most, " s")


def ratio_pairs(one: Sequence[float], two: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(one, two, strict=True)] if len(one) == len(two) else []


_RATIOS: Final = (
    _Ratio("big", "hive-router", 1.0, "big: at most 1.0 × Hive Router"),
    _Ratio("big", "cosmo-router", 0.25, "big: at most 0.25 × Cosmo Router"),
    _Ratio("big", "apollo-gateway", 1 / 15, "big: at most 1/15 of Apollo Gateway"),
    _Ratio("big", "hive-gateway", 1 / 15, "big: at most 1/15 of Hive Gateway"),
    _Ratio("tiny", "hive-router", 1.5, "tiny: at most 1.5 × Hive Router"),
    _Ratio("tiny", "cosmo-router", 0.4, "tiny: at most 0.4 × Cosmo Router"),
    _Ratio("big-fetches", "hive-router", 1.3, "big, fetches shared: at most 1.3 × Hive Router"),
    _Ratio("tiny-fetches", "hive-router", 1.3, "tiny, fetches shared: at most 1.3 × Hive Router"),
    _Ratio("big-operations", "hive-router", 2.0, "big, operations shared: at most 2 × Hive Router"),
    _Ratio("tiny-operations", "hive-router", 2.0, "tiny, operations shared: at most 2 × Hive Router"),
    _Ratio("big-operations", "cosmo-router", 0.8, "big, operations shared: at most 0.8 × Cosmo Router"),
    _Ratio(
        "big-policies", "ours", 1.15, "big, with header rules, JWT and limits: at most 1.15 × without", WITH_POLICIES
    ),
    _Ratio(
        "tiny-policies", "ours", 1.15, "tiny, with header rules, JWT and limits: at most 1.15 × without", WITH_POLICIES
    ),
    _Ratio("list-10000", "hive-router", 1.5, "a list of 10,000 products: at most 1.5 × Hive Router"),
)


def verdicts(results: Results) -> list[Verdict]:
    return [*(each.verdict(results) for each in _RATIOS), *_absolute(results)]
