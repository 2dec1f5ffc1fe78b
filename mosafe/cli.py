"""`mosafe`: one command with a group per service.

Groups are loaded when they are used, so that an image that holds one service needs only that service's dependencies.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyGroup, run

# Command -> the module whose `command` it is, and its line in the help.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("mosafe.up", "Run the whole platform on this machine."),
    "sdl": ("mosafe.sdl", "Write each subgraph's SDL beside its code."),
    "env": ("mosafe.env", "Print .env.example: every variable with meaning and default."),
    "auth": ("subgraphs.auth.cli", "Serve the auth subgraph; manage users and keys."),
    "account": ("subgraphs.account.cli", "Serve the account subgraph; check the ledger."),
    "transaction": ("subgraphs.transaction.cli", "Serve the transaction subgraph."),
    "rest": ("rest_compat.cli", "Serve the REST layer."),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """A federated GraphQL gateway over three bank services, with the old REST API on top."""


def main() -> None:
    run(command, "mosafe")
