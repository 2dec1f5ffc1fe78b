"""`python -m benchmarks.race.run` runs the race and writes docs/benchmarks.md; `make race` too.

See docs/benchmarks.md for what is measured and how.
"""

from __future__ import annotations

import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from benchmarks.race.entrants import Entrant
from benchmarks.race.machine import commit, machine
from benchmarks.race.measurement import Plan, measure
from benchmarks.race.native_programs import Arrivals, load
from benchmarks.race.page import micros, write_page
from benchmarks.race.processes import RaceError
from benchmarks.race.results_file import FOLDER, Results, RouterInfo, ScenarioResult, write
from benchmarks.race.routers.all_routers import ROUTERS
from benchmarks.race.routers.router import Absent
from benchmarks.race.scenarios import scenarios
from benchmarks.race.statistics import estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.race.routers.router import Router
    from benchmarks.race.scenarios import Scenario

FULL: Final = Plan(rounds=7, seconds=3.0, warm_up=6.0, soak=600.0)
QUICK: Final = Plan(rounds=3, seconds=0.8, warm_up=1.5, soak=20.0)
# What a quick run leaves out, because each takes minutes and has little to do with the others.
NOT_QUICK: Final = frozenset({"soak", "cold-100x100", "nested-64", "list-10", "list-10000", "distinct"})
EVERY: Final = "all"
REPLAY_SECONDS: Final = 1.0


def present(names: Sequence[str]) -> tuple[list[Router], list[RouterInfo]]:
    """The routers of these names (all without names) that are installed, and what is known of each."""
    chosen = [each for each in ROUTERS if not names or each.name in names]
    installed, infos = list[RouterInfo](), list[RouterInfo]()
    found = []
    for each in chosen:
        info = RouterInfo(name=each.name, title=each.title, language=each.language)
        try:
            info.version = each.version()
        except Absent as reason:
            info.absent = str(reason)
        else:
            found.append(each)
            installed.append(info)
        infos.append(info)
    return found, infos


def replay_cost(scenario: Scenario, folder: Path) -> float:
    """Microseconds of processor time of one request to the replaying server, under load."""
    router = next(each for each in ROUTERS if each.name == "ours")
    entrant = Entrant(router, scenario, folder)
    federation = scenario.federation()
    entrant.record(federation, federation.supergraph(entrant.subgraph_port))
    with entrant.running() as running:
        requests, _ = running.replay.counts()
        before = running.replay.running.use()
        load(running.router.place.port, entrant.requests, Arrivals(50, REPLAY_SECONDS))
        used = running.replay.running.use().processor_seconds - before.processor_seconds
        return used / (running.replay.counts().requests - requests) * 1e6


def show(result: ScenarioResult) -> None:
    click.echo(f"{result.name}: {result.title}, {result.answer_bytes / 1000:.1f} KB")
    for entry in result.entries:
        line = f"  {entry.router:<22}"
        if entry.left_out:
            line += f"left out: {entry.left_out}"
        elif entry.samples:
            line += " ".join(f"{each.memory / 1e6:.0f}" for each in entry.samples[:: max(len(entry.samples) // 10, 1)])
        elif entry.rounds:
            cost = estimate([each.processor for each in entry.rounds])
            p50 = estimate([each.p50 for each in entry.rounds])
            line += f"{micros(cost.mean):>10} ({micros(cost.low)} to {micros(cost.high)}), p50 {micros(p50.mean)}, "
            line += f"{entry.rounds[-1].requests:.3g} requests, {entry.rounds[-1].memory / 1e6:.0f} MB"
        click.echo(line)


def run(chosen: Sequence[Scenario], routers: Sequence[Router], plan: Plan) -> Iterator[ScenarioResult]:
    """Measure each scenario with the routers that take part and have its sharing. A scenario that fails is reported."""
    for scenario in chosen:
        names = scenario.routers or {each.name for each in routers if each.has_default_policies}
        taking_part = [each for each in routers if each.name in names and each.shares(scenario.sharing)]
        with TemporaryDirectory(prefix="race-") as folder:
            try:
                result = measure(scenario, taking_part, plan, Path(folder))
            except RaceError as error:
                click.echo(f"{scenario.name} failed: {error}", err=True)
            else:
                show(result)
                yield result


@click.command()
@click.option("--quick", is_flag=True, help="Ten to twenty-five minutes: fewer and shorter rounds, not all scenarios.")
@click.option("--scenarios", "names", default="", help="Names of scenarios, separated by commas, or `all`.")
@click.option("--routers", "router_names", default="", help="Names of routers, separated by commas.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the raw data.")
@click.option("--list", "lists", is_flag=True, help="Show the scenarios and the routers, and end.")
def main(*, quick: bool, names: str, router_names: str, output: Path | None, lists: bool) -> None:
    """Run the race. With a choice of scenarios or routers, the page is not written.

    `--quick --scenarios all` has every scenario, in short rounds, and takes half an hour or more.
    """
    plan = QUICK if quick else FULL
    known = scenarios()
    picked = [each.name for each in known] if names == EVERY else [each for each in names.split(",") if each]
    if unknown := set(picked) - {each.name for each in known}:
        raise click.UsageError(f"unknown scenarios: {', '.join(sorted(unknown))}")
    chosen = [each for each in known if (each.name in picked if picked else not (quick and each.name in NOT_QUICK))]
    routers, infos = present([each for each in router_names.split(",") if each])
    if lists:
        show_lists(chosen, infos)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that routers and servers are ended, too
    began = time.monotonic()
    with TemporaryDirectory(prefix="race-") as folder:
        replay = replay_cost(next(each for each in known if each.name == "tiny"), Path(folder) / "replay")
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        commit=commit(),
        variant="quick run" if quick else "full run",
        machine=machine(),
        replay=replay,
        minutes=0.0,
        routers=infos,
        scenarios=[],
    )
    is_partial = names not in {"", EVERY} or bool(router_names)
    target = output or (Path("race-results.json") if is_partial else FOLDER / ("quick.json" if quick else "full.json"))
    for result in run(chosen, routers, plan):
        results.scenarios.append(result)
        results.minutes = (time.monotonic() - began) / 60
        write(results, target)  # an interrupted race keeps what it has
    click.echo(f"wrote {target}")
    if not is_partial and output is None:
        write_page()
        click.echo("wrote docs/benchmarks.md")
    if len(results.scenarios) < len(chosen):
        sys.exit(1)


def show_lists(chosen: Sequence[Scenario], infos: Sequence[RouterInfo]) -> None:
    for scenario in chosen:
        click.echo(f"{scenario.name:<20} {scenario.title}")
    for info in infos:
        click.echo(f"{info.name:<20} {info.title} {info.version or f'absent: {info.absent}'}")


if __name__ == "__main__":
    main()
