"""Measures the routers of one scenario, in rounds in which each router has its turn."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.race.entrants import Entrant, Running
from benchmarks.race.native_programs import Arrivals, load
from benchmarks.race.processes import RaceError
from benchmarks.race.results_file import Entry, Round, Sample, ScenarioResult
from benchmarks.race.scenarios import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.race.native_programs import Responses
    from benchmarks.race.routers.router import Router
    from benchmarks.race.scenarios import Scenario

PACED_SHARE: Final = 0.7
SAMPLES: Final = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure: rounds, the seconds of each, of the warm-up before them, and of the soak."""

    rounds: int
    seconds: float
    warm_up: float
    soak: float


def measure(scenario: Scenario, routers: Sequence[Router], plan: Plan, folder: Path) -> ScenarioResult:
    """Record, compare and measure. The first router is the one whose answers are expected."""
    federation = scenario.federation()
    entrants = [Entrant(each, scenario, folder / each.name) for each in routers]
    for entrant in entrants:
        _try(entrant, lambda each: each.record(federation, federation.supergraph(each.subgraph_port)))
    reference = entrants[0]
    if reference.left_out:
        raise RaceError(f"{reference.router.title}: {reference.left_out}")
    for entrant in entrants[1:]:
        _try(entrant, lambda each: each.compare(reference))
    measured = _MEASURED[scenario.kind]([each for each in entrants if not each.left_out], plan)
    by_name = {each.router: each for each in measured}
    left_out = {each.router.name: each.left_out for each in entrants}
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        kind=scenario.kind.value,
        sharing=scenario.sharing.value,
        connections=scenario.connections,
        answer_bytes=max(map(len, reference.answers)),
        entries=[by_name.get(name) or Entry(router=name, left_out=why) for name, why in left_out.items()],
        size=scenario.size,
        delay_ms=scenario.delay_ms,
        hops=scenario.hops,
        workers=scenario.workers,
    )


def _try(entrant: Entrant, act: Callable[[Entrant], object]) -> None:
    """Do something with an entrant that is not left out. If that fails, it is left out, and the others go on."""
    if entrant.left_out:
        return
    try:
        act(entrant)
    except RaceError as error:
        # The output of a router contains paths of this machine.
        entrant.left_out = str(error).replace(str(Path.home()), "~")


def _in_rounds(entrants: Sequence[Entrant], plan: Plan) -> list[Entry]:
    """Start all routers. After a warm-up, each has its turn in each round, beginning with another one each time."""
    running: dict[str, Running] = {}
    entries = {each.router.name: Entry(router=each.router.name) for each in entrants}
    with ExitStack() as stack:

        def start(each: Entrant) -> None:
            running[each.router.name] = stack.enter_context(each.running())

        def turn(each: Entrant, seconds: float) -> Round:
            return _turn(each, running[each.router.name], seconds)

        def add_round(each: Entrant) -> None:
            entries[each.router.name].rounds.append(turn(each, plan.seconds))

        for act in (start, lambda each: turn(each, plan.warm_up)):
            for entrant in entrants:
                _try(entrant, act)
        for number in range(plan.rounds):
            for entrant in _rotated(entrants, number):
                _try(entrant, add_round)
    return [entries[each.router.name] for each in entrants if not each.left_out]


def _rotated(entrants: Sequence[Entrant], number: int) -> list[Entrant]:
    cut = number % len(entrants)
    return [*entrants[cut:], *entrants[:cut]]


def _turn(entrant: Entrant, running: Running, seconds: float) -> Round:
    """One measurement.

    Raises:
        RaceError: a response was not 200, or a request to a subgraph had not been recorded.
    """
    scenario, port = entrant.scenario, running.router.place.port
    rate = 0.0
    if scenario.kind is Kind.PACED:
        full = load(port, entrant.requests, Arrivals(scenario.connections, seconds / 2))
        rate = PACED_SHARE * full.responses / full.seconds
    requests, misses = running.replay.counts()
    before = running.router.running.use()
    got = load(port, entrant.requests, Arrivals(scenario.connections, seconds, rate=rate))
    after = running.router.running.use()
    counts = running.replay.counts()
    if got.failed or got.broken or not got.responses:
        raise RaceError(f"{got.failed} responses were not 200, {got.broken} did not arrive, of {got.responses}")
    if counts.misses > misses:
        raise RaceError(f"{counts.misses - misses} requests to subgraphs had not been recorded")
    return _round(
        got,
        after.processor_seconds - before.processor_seconds,
        after.memory_bytes,
        after.kernel_share,
        counts.requests - requests,
    )


def _round(got: Responses, processor: float, memory: int, kernel_share: float, requests: int) -> Round:
    return Round(
        processor=processor / got.responses * 1e6,
        per_second=got.responses / got.seconds,
        p50=got.p50,
        p99=got.p99,
        requests=requests / got.responses,
        responses=got.responses,
        memory=memory,
        kernel_share=kernel_share,
        load=got.processor_seconds / got.responses * 1e6,
    )


def _cold_starts(entrants: Sequence[Entrant], plan: Plan) -> list[Entry]:
    """Start each router in each round; the time until the first answer is the response time."""
    entries = {each.router.name: Entry(router=each.router.name) for each in entrants}

    def start(entrant: Entrant) -> None:
        with entrant.running() as running:
            use = running.router.running.use()
            micros = running.router.seconds_to_first_answer * 1e6
            entries[entrant.router.name].rounds.append(
                Round(
                    processor=use.processor_seconds * 1e6,
                    per_second=1e6 / micros,
                    p50=micros,
                    p99=micros,
                    requests=running.replay.counts().requests,
                    responses=1,
                    memory=use.memory_bytes,
                    kernel_share=use.kernel_share,
                )
            )

    for number in range(plan.rounds):
        for entrant in _rotated(entrants, number):
            _try(entrant, start)
    return [entries[each.router.name] for each in entrants if not each.left_out]


def _soak(entrants: Sequence[Entrant], plan: Plan) -> list[Entry]:
    """One router after the other, for minutes: how its memory grows."""
    entries = []
    for entrant in entrants:
        samples: list[Sample] = []

        def sample(each: Entrant, samples: list[Sample] = samples) -> None:
            with each.running() as running:
                began, responses = time.monotonic(), 0
                while (seconds := time.monotonic() - began) < plan.soak:
                    samples.append(Sample(seconds, responses, running.router.running.use().memory_bytes))
                    responses += _turn(each, running, plan.soak / SAMPLES).responses
                samples.append(Sample(seconds, responses, running.router.running.use().memory_bytes))

        _try(entrant, sample)
        if not entrant.left_out:
            entries.append(Entry(router=entrant.router.name, samples=samples))
    return entries


_MEASURED: Final = {
    Kind.CLOSED_LOOP: _in_rounds,
    Kind.ADDED_LATENCY: _in_rounds,
    Kind.PACED: _in_rounds,
    Kind.COLD_START: _cold_starts,
    Kind.SOAK: _soak,
}
