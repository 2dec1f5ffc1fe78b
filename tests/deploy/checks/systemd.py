"""The units of systemd start every process of the topology, and all have the same restrictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.deploy.checks.documents import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = "deploy/systemd"
_BIN: Final = "/opt/mosafe/bin"
# What each unit runs, after the folder of the commands.
COMMANDS: Final = {
    "mosafe@.service": "mosafe %i",
    "mosafe-router.service": "router serve",
    "mosafe-certificates.service": "mosafe certs keep",
    "mosafe-backup.service": "mosafe backup schedule",
}
_PROCESSES: Final = ("mosafe@.service", "mosafe-router.service")
# Settings that belong to one unit, and are not a restriction.
_OWN: Final = {"Type", "ExecStartPre", "ExecStart", "ExecReload", "EnvironmentFile", "TimeoutStopSec"}
_OWN_LIMITS: Final = {"MemoryMax", "StateDirectory"}


def settings(path: Path) -> list[tuple[str, str]]:
    """Return the settings of a unit, in order. A setting may be given several times."""
    return re.findall(r"^(\w+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def check_units(root: Path) -> Iterator[str]:
    """The target starts the processes, and each unit runs its command as a user without rights."""
    files = {path.name for path in (root / FOLDER).iterdir()}
    yield from (
        f"{FOLDER}: {name} is not known" for name in sorted(files - COMMANDS.keys() - {"mosafe-platform.target"})
    )
    wanted = set(dict(settings(root / FOLDER / "mosafe-platform.target"))["Wants"].split())
    expected = {"mosafe-router.service" if name == "router" else f"mosafe@{name}.service" for name in CONTAINERS}
    if wanted != expected:
        yield f"{FOLDER}: the target starts {sorted(wanted)}, not {sorted(expected)}"
    model = _restrictions(root / FOLDER / _PROCESSES[0])
    for name, command in COMMANDS.items():
        found = settings(root / FOLDER / name)
        if not dict(found)["ExecStart"].startswith(f"{_BIN}/{command}"):
            yield f"{FOLDER}/{name}: it does not run {command}"
        if dict(found).get("User") != "mosafe" or not {"MemoryMax", "TasksMax"} <= dict(found).keys():
            yield f"{FOLDER}/{name}: it is root, or without limits"
        if missing := model - _restrictions(root / FOLDER / name):
            yield f"{FOLDER}/{name}: without {', '.join(sorted('='.join(pair) for pair in missing))}"
        if name in _PROCESSES and "mosafe-certificates.service" not in dict(found)["After"].split():
            yield f"{FOLDER}/{name}: it may start before its certificate exists"
    first = dict(settings(root / FOLDER / "mosafe-certificates.service"))
    if first.get("Type") != "exec" or first.get("ExecStartPre") != f"{_BIN}/mosafe certs keep --once":
        yield f"{FOLDER}/mosafe-certificates.service: it counts as started before the certificates exist"


def _restrictions(path: Path) -> set[tuple[str, str]]:
    text = path.read_text(encoding="utf-8").partition("[Service]")[2].partition("[Install]")[0]
    pairs = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    return {(name, value) for name, value in pairs if name not in _OWN | _OWN_LIMITS}
