"""``mosafe``: one command with a group per service.

Groups are loaded when they are used, so that an image that holds one service needs only that service's dependencies.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from servicekit.errors import StartupError

# Command -> the module whose ``command`` it is, and its line in the help.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("mosafe.up", "Run the whole platform on this machine."),
    "sdl": ("mosafe.sdl", "Write each subgraph's SDL beside its code."),
    "env": ("mosafe.env", "Print .env.example: every variable with meaning and default."),
    "auth": ("subgraphs.auth.cli", "Serve the auth subgraph; manage users and keys."),
    "account": ("subgraphs.account.cli", "Serve the account subgraph; check the ledger."),
    "transaction": ("subgraphs.transaction.cli", "Serve the transaction subgraph."),
    "rest": ("rest_compat.cli", "Serve the REST layer."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is not a click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands by the table above, importing none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """A federated GraphQL gateway over three bank services, with the old REST API on top."""


def main() -> None:
    """Entry point: a start that cannot succeed is one clear line and exit code 2, never a traceback."""
    try:
        command(prog_name="mosafe")
    except StartupError as error:
        click.secho(f"mosafe: {error}", err=True, fg="red")
        sys.exit(2)
