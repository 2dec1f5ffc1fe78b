"""Command lines: groups that load a command when it is used, and starts that fail with a line, not a traceback."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Exit code when the input of a command (not its arguments alone) makes it impossible.
CANNOT_START: Final = 2


class LazyGroup(click.Group):
    """A group whose commands are imported on first use, and not at all for its own help.

    So an image that holds one process needs the dependencies of that process only.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """`table`: command -> the module whose `command` it is, and its line in the help."""
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
    """Run `command` as the process; a start that cannot succeed is told in clear lines and exit code 2."""
    try:
        command(prog_name=program)
    except StartupError as error:
        for line in str(error).splitlines():
            click.secho(f"{program}: {line}", err=True, fg="red")
        sys.exit(CANNOT_START)
