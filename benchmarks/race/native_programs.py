"""The two C programs of the race: `replay` answers instead of subgraphs, `load` sends requests of clients."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from benchmarks.race.http_request import send
from benchmarks.race.processes import OTHER_CORE, RaceError, Running, pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOURCES: Final = Path(__file__).parent / "native"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mosafe" / "race"
START_SECONDS: Final = 10.0
EXTRA_SECONDS: Final = 300.0


def built(name: str) -> Path:
    """The compiled program, compiled anew if a source has changed.

    Raises:
        RaceError: there is no C compiler.
    """
    sources = sorted(SOURCES.iterdir())
    digest = sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:16]
    program = CACHE / f"{name}-{digest}"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        new = program.with_suffix(f".{os.getpid()}")
        compiler = os.environ.get("CC", "cc")
        command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(new), str(SOURCES / f"{name}.c")]
        try:
            subprocess.run(command, check=True)  # noqa: S603 - our own sources
        except (OSError, subprocess.CalledProcessError) as error:
            raise RaceError(f"{name}.c could not be compiled: {error}") from error
        new.replace(program)
    return program


class Recorded(NamedTuple):
    """A request to a subgraph and its answer."""

    path: str
    body: bytes
    status: int
    answer: bytes


def write_recording(file: Path, records: Iterable[Recorded]) -> None:
    with file.open("wb") as output:
        for each in records:
            path = each.path.encode()
            output.write(b"%d %d %d %d\n" % (len(path), len(each.body), len(each.answer), each.status))
            output.write(path + each.body + each.answer + b"\n")


class Counts(NamedTuple):
    """Requests that a replaying server has received, and those that were not recorded."""

    requests: int
    misses: int


@dataclass(slots=True)
class Replay:
    """A running `replay`."""

    running: Running
    port: int

    @classmethod
    def start(cls, port: int, recording: Path, *, delay_ms: int = 0) -> Self:
        arguments = [str(built("replay")), str(port), str(recording), str(delay_ms * 1000)]
        running = Running.start(arguments, recording.with_suffix(".replay.log"), core=OTHER_CORE)
        replay = cls(running, port)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                replay.counts()
            except OSError:
                if running.has_ended() or time.monotonic() > end:
                    running.stop()
                    raise RaceError(f"replay does not start: {running.last_lines()}") from None
                time.sleep(0.01)
            else:
                return replay

    def counts(self) -> Counts:
        requests, misses = send(self.port, "/-/counts").body.split()
        return Counts(int(requests), int(misses))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.running.stop()


class Responses(NamedTuple):
    """What `load` has measured; times in microseconds."""

    responses: int
    failed: int
    broken: int
    bytes: int
    seconds: float
    p50: float
    p99: float
    longest: float
    processor_seconds: float


def write_requests(file: Path, path: str, bodies: Iterable[bytes], headers: Mapping[str, str] | None = None) -> None:
    """Write the HTTP requests that `load` sends, with these `headers` beside the usual ones."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    with file.open("wb") as output:
        for body in bodies:
            head = (
                f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                f"accept: application/json\r\n{lines}content-length: {len(body)}\r\n\r\n"
            ).encode()
            output.write(b"%d\n" % (len(head) + len(body)) + head + body)


class Arrivals(NamedTuple):
    """How requests are sent: by connections that wait for each response, or at a rate, in requests a second.

    The load ends after `seconds`, or before that after `limit` responses, unless that is 0.
    """

    connections: int
    seconds: float
    limit: int = 0
    rate: float = 0.0


def load(port: int, requests: Path, arrivals: Arrivals) -> Responses:
    """Send the requests of a file in turn.

    Raises:
        RaceError: the router closed its port, or a response took longer than two minutes.
    """
    arguments = [str(built("load")), str(port), str(requests), *map(str, arrivals)]
    result = subprocess.run(  # noqa: S603 - our own program
        pinned(OTHER_CORE, arguments),
        capture_output=True,
        check=False,
        text=True,
        timeout=arrivals.seconds + EXTRA_SECONDS,
    )
    if result.returncode:
        raise RaceError(f"load failed: {result.stderr.strip()}")
    return Responses(**json.loads(result.stdout))
