"""Counts the instructions of fixed requests before and after a change.

    python -m benchmarks.ratchet.run [--base main]       make ratchet does this, too

Times say little on a machine that does other things, too. The number of instructions hardly depends on that. So the
callgrind of valgrind runs `router serve` of two trees: the merge base of HEAD and `--base`, and the working tree.
Both run with the packages of this environment and with one hash seed, in front of recorded responses of subgraphs, and
get the same requests on one connection. If a request takes more than 3 % more instructions, the exit status is 1.

Instructions of the kernel are not counted, and how long an instruction takes is not known: a change that waits less or
that misses the caches of the processor less often does not show. A run takes half an hour on two busy cores.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from benchmarks.race.entrants import Entrant
from benchmarks.race.native_programs import Arrivals, Replay, load, write_requests
from benchmarks.race.processes import free_port
from benchmarks.race.routers.ours import Ours
from benchmarks.race.routers.router import Command, Options, Place, RunningRouter, start
from benchmarks.race.scenarios import ratchet_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]
TOLERANCE: Final = 0.03
# A plan is compiled after it was used several times; the caches of the interpreter are warm after far fewer.
WARM_UP: Final = 60
# Requests are counted in several parts, and the part with the fewest instructions counts: if other programs slow the
# machine, timers of the router fire during more of the requests, and a part may contain a garbage collection.
PARTS: Final = 6
COUNTED: Final = 20
LONG: Final = 3600.0
START_SECONDS: Final = 900.0
_MAIN: Final = "from router.cli import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRouter(Ours):
    """`router serve` of the sources in a folder. Under callgrind, counting begins when it is switched on."""

    tree: Path
    under_callgrind: bool

    def version(self) -> str:
        return self.tree.name

    def command(self, place: Place, options: Options) -> Command:
        given = Ours.command(self, place, options)
        arguments = [sys.executable, "-c", _MAIN, *given.arguments[1:]]
        if self.under_callgrind:
            out = f"--callgrind-out-file={place.folder}/callgrind.out"
            arguments = ["valgrind", "--tool=callgrind", "--instr-atstart=no", out, *arguments]
        environment = {"PYTHONPATH": str(self.tree), "PYTHONHASHSEED": "0"}
        return Command(arguments, environment, discards_output=True)


@contextmanager
def base_tree(base: str) -> Iterator[Path]:
    """The sources of the merge base of HEAD and `base`, in a temporary folder."""
    commit = _git("merge-base", "HEAD", base)
    with TemporaryDirectory(prefix="ratchet-") as folder:
        tree = Path(folder) / "base"
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - fixed names


def total_of_dump(text: str) -> int:
    """The number of instructions in a dump of callgrind.

    Raises:
        ValueError: the text is not a dump.
    """
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    if found is None:
        raise ValueError("the dump of callgrind has no total")
    return int(found.group(1))


def instructions(tree: Path, folder: Path) -> dict[str, float]:
    """The instructions of one request of each kind, for the router of a tree."""
    scenario = ratchet_scenario()
    federation = scenario.federation()
    entrant = Entrant(TreeRouter(tree=tree, under_callgrind=False), scenario, folder)
    supergraph = federation.supergraph(entrant.subgraph_port)
    entrant.record(federation, supergraph)
    place = Place(folder, folder / "supergraph.graphql", free_port())
    first = scenario.operations[0].body()
    with (
        Replay.start(entrant.subgraph_port, entrant.recording) as replay,
        start(TreeRouter(tree=tree, under_callgrind=True), place, Options(), first, seconds=START_SECONDS) as router,
    ):
        found = {}
        for operation in scenario.operations:
            requests = folder / operation.name
            write_requests(requests, router.path, [operation.body()])
            found[operation.name] = _count(router, requests)
        if misses := replay.counts().misses:
            raise click.ClickException(f"{misses} requests to subgraphs had not been recorded")
    return found


def _count(router: RunningRouter, requests: Path) -> float:
    pid, port = router.running.process.pid, router.place.port
    load(port, requests, Arrivals(1, LONG, limit=WARM_UP))
    _control("--instr=on", pid)
    load(port, requests, Arrivals(1, LONG, limit=WARM_UP // 4))
    _control("--zero", pid)
    counts = []
    for _ in range(PARTS):
        before = set(router.place.folder.glob("callgrind.out.*"))
        load(port, requests, Arrivals(1, LONG, limit=COUNTED))
        _control("--dump", pid)  # the counters begin at zero again
        (dump,) = set(router.place.folder.glob("callgrind.out.*")) - before
        counts.append(total_of_dump(dump.read_text("utf-8", "replace")) / COUNTED)
    _control("--instr=off", pid)
    return min(counts)


def _control(option: str, pid: int) -> None:
    subprocess.run(  # noqa: S603 - fixed options
        ["callgrind_control", option, str(pid)],  # noqa: S607 - valgrind's, from the PATH
        check=True,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )


def compared(before: Mapping[str, float], after: Mapping[str, float]) -> list[tuple[str, float, float, bool]]:
    """For each kind of request: its name, the instructions before, the change, and whether the change is too large."""
    return [
        (name, old, after[name] / old - 1, after[name] / old - 1 > TOLERANCE)
        for name, old in before.items()
        if name in after
    ]


def show(rows: Sequence[tuple[str, float, float, bool]]) -> None:
    click.echo(f"{'request':<12} {'before':>14} {'change':>9}")
    for name, old, change, is_too_large in rows:
        click.echo(f"{name:<12} {old:>14,.0f} {change:>+9.2%}{'  too much' if is_too_large else ''}")


@click.command()
@click.option(
    "--base", default="main", show_default=True, help="The branch whose merge base with HEAD is compared with."
)
def main(base: str) -> None:
    """Compare the instructions of requests before and after the change in the working tree."""
    if which("valgrind") is None or which("callgrind_control") is None:
        raise click.ClickException("valgrind is not installed")
    with TemporaryDirectory(prefix="ratchet-") as folder, base_tree(base) as tree:
        before = instructions(tree, Path(folder) / "before")
        after = instructions(ROOT, Path(folder) / "after")
    rows = compared(before, after)
    show(rows)
    if any(is_too_large for *_, is_too_large in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
