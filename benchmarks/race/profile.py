"""`python -m benchmarks.race.profile` shows where the processor time of a request goes; `make race-profile` too.

It runs the router in one scenario of the race, twice. `perf` samples the first run, by the library that is running:
the kernel, the interpreter, and each C library. The second run samples itself, by the Python function that is running
(`sampled_router`); C code that a function calls counts for this function. The two tables are written as Markdown to
`results/profile.md`, from where the page takes them.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from benchmarks.race.entrants import Entrant
from benchmarks.race.native_programs import Arrivals, Replay, load
from benchmarks.race.page import PROFILE, micros, table
from benchmarks.race.processes import RaceError, free_port
from benchmarks.race.routers.ours import Ours
from benchmarks.race.routers.router import Command, Options, Place, RunningRouter, start
from benchmarks.race.scenarios import scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
WARM_UP_SECONDS: Final = 3.0
WAIT_SECONDS: Final = 20.0
ROWS: Final = 25
SMALLEST_SHARE: Final = 0.002
# Modules in C whose names do not say from which package they are.
PACKAGES: Final = {"_core": "msgspec", "loop": "uvloop", "parser": "httptools"}
_LINE: Final = re.compile(r"^\s*(\d+\.\d+)%\s+(\S.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SampledRouter(Ours):
    """This router, which samples itself."""

    def command(self, place: Place, options: Options) -> Command:
        given = Ours.command(self, place, options)
        arguments = [sys.executable, "-m", "benchmarks.race.sampled_router", *given.arguments[1:]]
        environment = {"RACE_SAMPLES": str(place.folder / "samples"), "PYTHONPATH": str(ROOT)}
        return Command(arguments, environment, discards_output=True)


def shares_of_report(text: str) -> dict[str, float]:
    """The shares by library in a report of `perf report --sort dso`."""
    return {name: float(share) / 100 for share, name in _LINE.findall(text)}


def kind_of_library(name: str) -> str:
    """What a library is for readers: the kernel, Python's interpreter, or a C library by its name."""
    if name.startswith("[kernel") or name == "[vdso]":
        return "kernel"
    if name.startswith(("libpython", "python")):
        return "Python's interpreter and built-in types"
    module = name.partition(".")[0]
    return PACKAGES.get(module, module)


def by_kind(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """The shares of all kinds, the largest first."""
    total: dict[str, float] = {}
    for name, share in shares.items():
        kind = kind_of_library(name)
        total[kind] = total.get(kind, 0.0) + share
    return sorted(total.items(), key=lambda each: -each[1])


def by_function(samples: Mapping[str, int]) -> list[tuple[str, float]]:
    """The shares of functions, the largest first, with file names as they are in the repository or in packages."""
    whole = sum(samples.values())
    named = Counter[str]()
    for place, count in samples.items():
        file, _, function = place.rpartition(":")
        named[f"`{_short(file)}`: `{function}`"] += count
    return [(name, count / whole) for name, count in named.most_common(ROWS)]


def _short(file: str) -> str:
    if file.startswith(f"{ROOT}/") and "site-packages" not in file:
        return file.removeprefix(f"{ROOT}/")
    return re.sub(r"^.*/(?:site-packages|python3\.\d+)/", "", file)


def _sampled_by_perf(router: RunningRouter, requests: Path, arrivals: Arrivals, folder: Path) -> tuple[float, str]:
    """The processor time of a request in microseconds, and perf's report."""
    data = folder / "perf.data"
    pid = str(router.running.process.pid)
    record = ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-o", str(data), "-p", pid]
    before = router.running.use()
    perf = subprocess.Popen(record, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - fixed options
    got = load(router.place.port, requests, arrivals)
    used = router.running.use().processor_seconds - before.processor_seconds
    perf.send_signal(signal.SIGINT)
    perf.wait()
    report = subprocess.run(  # noqa: S603 - fixed options
        ["perf", "report", "-i", str(data), "--sort", "dso", "--stdio"],  # noqa: S607 - from the PATH
        check=True,
        capture_output=True,
        text=True,
    )
    return used / got.responses * 1e6, report.stdout


def _sampled_by_itself(router: RunningRouter, requests: Path, arrivals: Arrivals, folder: Path) -> dict[str, int]:
    router.running.process.send_signal(signal.SIGUSR1)
    load(router.place.port, requests, arrivals)
    router.running.process.send_signal(signal.SIGUSR2)
    end = time.monotonic() + WAIT_SECONDS
    while not (folder / "samples").exists():
        if time.monotonic() > end:
            raise RaceError("the router has written no samples")
        time.sleep(0.05)
    found: dict[str, int] = json.loads((folder / "samples").read_text("utf-8"))
    return found


def profile(name: str, seconds: float, folder: Path) -> str:
    """The two tables of one scenario, as Markdown."""
    scenario = next(each for each in scenarios() if each.name == name)
    federation = scenario.federation()
    entrant = Entrant(Ours(), scenario, folder)
    entrant.record(federation, federation.supergraph(entrant.subgraph_port))
    first = scenario.operations[0].body()
    arrivals = Arrivals(scenario.connections, seconds)
    tables = []
    with Replay.start(entrant.subgraph_port, entrant.recording):
        for router in (Ours(), SampledRouter()):
            place = Place(folder, folder / "supergraph.graphql", free_port())
            with start(router, place, Options(scenario.sharing), first) as running:
                load(place.port, entrant.requests, Arrivals(scenario.connections, WARM_UP_SECONDS))
                if isinstance(router, SampledRouter):
                    samples = _sampled_by_itself(running, entrant.requests, arrivals, folder)
                    rows = [(name, f"{share:.1%}") for name, share in by_function(samples)]
                    tables.append(table(("Python function, with the C code that it calls", "share"), rows))
                else:
                    whole, report = _sampled_by_perf(running, entrant.requests, arrivals, folder)
                    kinds = by_kind(shares_of_report(report))
                    costs = [
                        (kind, f"{share:.1%}", micros(share * whole))
                        for kind, share in kinds
                        if share >= SMALLEST_SHARE
                    ]
                    tables.append(table(("what runs", "share", "of a request"), costs))
    return f"### {name}\n\n" + "\n\n".join(tables) + "\n"


@click.command()
@click.option("--scenarios", "names", default="big,tiny", show_default=True, help="Names of scenarios.")
@click.option("--seconds", default=10.0, show_default=True, help="How long each run is sampled.")
def main(names: str, seconds: float) -> None:
    """Show where the processor time of requests goes."""
    if which("perf") is None:
        raise click.ClickException("perf is not installed")
    texts = []
    for name in names.split(","):
        with TemporaryDirectory(prefix="race-") as folder:
            texts.append(profile(name, seconds, Path(folder) / "ours"))
        click.echo(texts[-1])
    PROFILE.write_text("\n".join(texts), "utf-8")


if __name__ == "__main__":
    main()
