"""A router in one scenario: its recorded subgraphs, its answers, and its processes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.race.comparison import Answer, difference
from benchmarks.race.native_programs import Replay, write_recording, write_requests
from benchmarks.race.processes import RaceError, free_port
from benchmarks.race.recording_server import RecordingServer
from benchmarks.race.routers.router import Options, Place, Router, RunningRouter, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.race.federation import Federation
    from benchmarks.race.scenarios import Scenario

# A router may send other requests for an operation that it has seen before, for example from a cached plan.
PASSES: Final = 3


class Running(NamedTuple):
    """A router with the server that replays its subgraphs."""

    router: RunningRouter
    replay: Replay


@dataclass(slots=True)
class Entrant:
    """A router in a scenario. `left_out` says why it takes no part."""

    router: Router
    scenario: Scenario
    folder: Path
    left_out: str = ""
    answers: list[bytes] = field(default_factory=list)
    subgraph_port: int = field(default_factory=free_port)

    @property
    def recording(self) -> Path:
        return self.folder / "recording"

    @property
    def requests(self) -> Path:
        return self.folder / "requests"

    def record(self, federation: Federation, supergraph: str) -> None:
        """Send the operations to the router in front of the real subgraphs, and keep all answers.

        Raises:
            RaceError: the router does not start, or sends what the subgraphs cannot answer.
        """
        self.folder.mkdir(parents=True)
        (self.folder / "supergraph.graphql").write_text(supergraph, "utf-8")
        bodies = [each.body() for each in self.scenario.operations]
        with RecordingServer(federation, self.subgraph_port) as subgraphs, self._started() as router:
            for _ in range(PASSES):
                self.answers = [router.post(body).body for body in bodies]
        if subgraphs.problems:
            raise RaceError(f"{self.router.title}: {subgraphs.problems[0]}")
        write_recording(self.recording, subgraphs.records.values())
        write_requests(self.requests, router.path, bodies, router.headers)

    def compare(self, reference: Entrant) -> None:
        """Compare the recorded answers with those of another router.

        Raises:
            RaceError: an answer has other data.
        """
        for index, (expected, actual) in enumerate(zip(reference.answers, self.answers, strict=True)):
            try:
                found = difference(Answer.of(expected), Answer.of(actual))
            except ValueError as error:
                found = f"is not JSON: {error}"
            if found:
                raise RaceError(f"the answer to request {index} {found}")

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start the router in front of recorded answers, and check that it answers as before.

        Raises:
            RaceError: it does not.
        """
        with ExitStack() as stack:
            delay = self.scenario.delay_ms
            replay = stack.enter_context(Replay.start(self.subgraph_port, self.recording, delay_ms=delay))
            router = stack.enter_context(self._started())
            answer = router.post(self.scenario.operations[0].body()).body
            if found := difference(Answer.of(self.answers[0]), Answer.of(answer)):
                raise RaceError(f"with replayed subgraphs, the answer {found}")
            yield Running(router, replay)

    def _started(self) -> RunningRouter:
        place = Place(self.folder, self.folder / "supergraph.graphql", free_port())
        options = Options(self.scenario.sharing, self.scenario.workers)
        return start(self.router, place, options, self.scenario.operations[0].body())
