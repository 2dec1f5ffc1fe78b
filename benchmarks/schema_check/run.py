"""`python -m benchmarks.schema_check.run [--subgraphs 100] [--types 50] [--rounds 3]` prints one line for each round.

It writes a federation into a temporary git repository, changes one subgraph, and runs `router check` against the last
commit as a process of its own. Both versions are composed in two processes at the same time, so the time of the wall
clock is printed, and the processor time of both. The memory is that of all processes together, at its highest; pages
that both processes share count twice.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.composition.federations import federation

BREAKING = 1
MEGABYTE = 1024 * 1024
_SECONDS_BETWEEN_SAMPLES = 0.01


class Round(NamedTuple):
    """One run: seconds of the wall clock and of all processors, and the memory of all processes in MB."""

    wall: float
    processor: float
    megabytes: float


def write_repository(folder: Path, subgraphs: int, types: int) -> None:
    """Write and commit a federation, then remove a field of its first subgraph."""
    lines = ["subgraphs:"]
    for subgraph in federation(subgraphs, types):
        (folder / f"{subgraph.name}.graphql").write_text(subgraph.sdl, encoding="utf-8")
        lines += [
            f"  {subgraph.name}:",
            f"    routing_url: {subgraph.url}",
            f"    schema: {{file: {subgraph.name}.graphql}}",
        ]
    (folder / "supergraph.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=base")):
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com")
        subprocess.run(("git", *identity, *arguments), cwd=folder, check=True)  # noqa: S603, S607 - our own arguments
    changed = folder / "s000.graphql"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("  detail: S0V0\n", "", 1), encoding="utf-8")


def measure(folder: Path) -> Round:
    """Run the check once."""
    command = (str(Path(sys.executable).parent / "router"), "check", "supergraph.yaml", "--base", "HEAD")
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = psutil.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process))
        time.sleep(_SECONDS_BETWEEN_SAMPLES)
    wall, output = time.perf_counter() - started, process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != BREAKING or b"FIELD_REMOVED" not in output:
        raise SystemExit(output.decode())
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Round(wall, processor, peak / MEGABYTE)


def _memory(process: psutil.Process) -> int:
    """Return the bytes of the process and its descendants in memory. A process that has just ended has none."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    return total


def main() -> None:
    """Print a line for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subgraphs", type=int, default=100)
    parser.add_argument("--types", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_repository(folder, options.subgraphs, options.types)
        for _ in range(options.rounds):
            found = measure(folder)
            print(  # noqa: T201 - the output of a benchmark
                f"{options.subgraphs} x {options.types}: {found.wall:.1f} s, {found.processor:.1f} s of processors, "
                f"{found.megabytes:.0f} MB"
            )


if __name__ == "__main__":
    main()
