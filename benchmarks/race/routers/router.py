"""What the race needs to know about a router."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from benchmarks.race.http_request import Reply, send
from benchmarks.race.processes import ROUTER_CORE, RaceError, Running
from benchmarks.race.scenarios import Sharing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 120.0


class Place(NamedTuple):
    """Where a router runs: its folder for files, the supergraph in it, and its port."""

    folder: Path
    supergraph: Path
    port: int


@dataclass(frozen=True, slots=True)
class Options:
    """What differs between runs of a router."""

    sharing: Sharing = Sharing.NOTHING
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a router."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/graphql"
    discards_output: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of clients, beside those that all requests have."""


class Router(Protocol):
    """A router of the race."""

    @property
    def name(self) -> str:
        """The name in commands and in the raw data."""

    @property
    def title(self) -> str:
        """The name in tables."""

    @property
    def language(self) -> str:
        """The programming language."""

    @property
    def has_default_policies(self) -> bool:
        """Whether it takes part in scenarios that do not name it."""

    def version(self) -> str:
        """The version that is installed.

        Raises:
            Absent: it is not installed, or cannot be.
        """

    def shares(self, sharing: Sharing) -> bool:
        """Whether the router has this kind of sharing."""

    def command(self, place: Place, options: Options) -> Command:
        """How to start the router. Files that it needs are written into the folder of `place`."""


class Absent(Exception):
    """A router is not installed; the message says why."""


@dataclass(slots=True)
class RunningRouter:
    """A router that has answered its first request."""

    running: Running
    place: Place
    path: str
    headers: Mapping[str, str]
    seconds_to_first_answer: float = 0.0

    def post(self, body: bytes) -> Reply:
        return send(self.place.port, self.path, body, self.headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.running.stop()


def start(
    router: Router, place: Place, options: Options, first: bytes, *, seconds: float = START_SECONDS
) -> RunningRouter:
    """Start a router, and wait until it answers the request `first` with 200 and JSON with data.

    Raises:
        RaceError: the router ends, or has no answer in so many `seconds`.
    """
    command = router.command(place, options)
    began = time.monotonic()
    running = Running.start(
        command.arguments,
        place.folder / f"{router.name}.log",
        core=ROUTER_CORE if options.workers == 1 else None,
        environment=command.environment,
        discards_output=command.discards_output,
    )
    started = RunningRouter(running, place, command.path, command.headers)
    last = "no answer"
    while time.monotonic() - began < seconds and not running.has_ended():
        try:
            response = started.post(first)
        except OSError as error:
            last = repr(error)
        else:
            if response.status == HTTPStatus.OK and _has_data(response):
                started.seconds_to_first_answer = time.monotonic() - began
                return started
            last = f"{response.status} {response.body.decode('utf-8', 'replace')[:500]}"
        time.sleep(0.005)
    running.stop()
    raise RaceError(f"{router.title} does not start ({last}):\n{running.last_lines()}")


def _has_data(response: Reply) -> bool:
    try:
        return json.loads(response.body).get("data") is not None
    except ValueError:
        return False
