"""Each command says which extra installs what it lacks, and the extras install what the commands import.

Covers `mosafe/cli.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mosafe.cli import COMMANDS
from router.cli import COMMANDS as ROUTER_COMMANDS

ROOT = Path(__file__).parents[2]
TABLES = {"mosafe": COMMANDS, "router": ROUTER_COMMANDS}
# The packages in the first list look absent. Each command of the second list prints its help, or why it cannot.
PRINT_HELP = """
import json, sys
from importlib import import_module
from click.testing import CliRunner
program, absent, names = sys.argv[1], *map(json.loads, sys.argv[2:])
sys.modules.update(dict.fromkeys(absent))
command = import_module(f"{program}.cli").command
print(json.dumps({name: repr(CliRunner().invoke(command, [name, "--help"]).exception) for name in names}))
"""


def requirements(extra: str) -> set[str]:
    """The names of the distributions that `mosafe[extra]` requires, including the distributions of its own extras."""
    found = set[str]()
    for line in distribution("mosafe").requires or ():
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name == "mosafe":
            found.update(*map(requirements, requirement.extras))
        else:
            found.add(canonicalize_name(requirement.name))
    return found


def with_dependencies(names: set[str]) -> set[str]:
    found, waiting = set[str](), sorted(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    return found


def absent_with(extra: str) -> list[str]:
    """The top-level modules that an installation with `extra` lacks."""
    installed = with_dependencies(requirements(extra)) | {"mosafe"}
    return [
        module
        for module, names in packages_distributions().items()
        if module.isidentifier() and not {canonicalize_name(name) for name in names} & installed
    ]


def failures(program: str, absent: list[str], names: list[str]) -> dict[str, str]:
    """For each command of `names`, the exception with which it ends; `None` as text if it prints its help."""
    command = [sys.executable, "-c", PRINT_HELP, program, json.dumps(absent), json.dumps(names)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    found: dict[str, str] = json.loads(result.stdout)
    return found


def commands_by_extra() -> dict[tuple[str, str], list[str]]:
    found = defaultdict[tuple[str, str], list[str]](list)
    for program, table in TABLES.items():
        for name, command in table.items():
            found[program, command.extra].append(name)
    return found


@pytest.mark.parametrize("program", TABLES)
def test_a_command_without_its_extra_names_the_extra(program: str) -> None:
    table = TABLES[program]
    found = failures(program, absent_with(""), list(table))
    missing = {name: error for name, error in found.items() if error != "None"}
    assert missing
    for name, error in missing.items():
        assert error.startswith(f'StartupError("{name} needs the package ')
        assert error.endswith(f"pip install 'mosafe[{table[name].extra}]'\")")


@pytest.mark.parametrize(("program", "extra"), commands_by_extra())
def test_the_extra_installs_what_the_commands_import(program: str, extra: str) -> None:
    names = commands_by_extra()[program, extra]
    assert failures(program, absent_with(extra), names) == dict.fromkeys(names, "None")
