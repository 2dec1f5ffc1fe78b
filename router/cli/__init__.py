"""`router`: compose a supergraph, print a plan, serve.

Sub-commands are imported when they are used: printing a plan must not need a server's dependencies.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from servicekit.errors import StartupError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "compose": ("router.cli.compose", "Compose subgraph schemas into a supergraph."),
    "plan": ("router.cli.plan", "Print the plan of an operation."),
    "config": ("router.cli.config", "Check a configuration, or print its JSON Schema."),
    "serve": ("router.cli.serve", "Serve a supergraph over HTTP."),
}
"""Sub-command: the module whose `command` it is, and its line in the help."""

CANNOT_START = 2
"""Exit code when the input of a command (not its arguments alone) makes it impossible."""


class _LazyGroup(click.Group):
    """A group that imports a sub-command when it is used, and none for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(found, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is not a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """A federated GraphQL router."""


def main() -> None:
    """Entry point. What makes a start impossible is told in lines that name file and line, never by a traceback."""
    try:
        command(prog_name="router")
    except StartupError as error:
        for line in str(error).splitlines():
            click.secho(f"router: {line}", err=True, fg="red")
        sys.exit(CANNOT_START)
