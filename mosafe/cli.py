"""`mosafe`: one command with a group for each service.

A group is imported on first use, so that an image with one service needs only the dependencies of that service.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyGroup, run

# Name of the command -> the module that defines it as `command`, and its line of help.
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
    """Run a federated GraphQL gateway, the three bank services behind it, and a REST API in front of it."""


def main() -> None:
    run(command, "mosafe")
