"""Command lines: groups that import a command on first use, and startup errors without a traceback."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The exit code of a command that cannot run with its input, such as a configuration file.
CANNOT_START: Final = 2


class LazyGroup(click.Group):
    """A group whose commands are imported on first use; its help imports none of them.

    An image that contains one process therefore needs the dependencies of that process only.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """`table` maps the name of a command to the module that defines it as `command`, and to its line of help."""
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._table:
            return None
        module = self._table[cmd_name][0]
        found = importlib.import_module(module).command
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}.command is not a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])


def run(command: click.Command, program: str) -> None:
    """Run `command` as the process. A `StartupError` is printed without a traceback and ends it with exit code 2."""
    try:
        command(prog_name=program)
    except StartupError as error:
        for line in str(error).splitlines():
            click.secho(f"{program}: {line}", err=True, fg="red")
        sys.exit(CANNOT_START)
