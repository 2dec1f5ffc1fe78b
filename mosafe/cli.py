"""`mosafe`: one command with a group for each service.

A group is imported on first use, so that an image with one service needs only the dependencies of that service.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyCommand, LazyGroup, run

COMMANDS: Final[dict[str, LazyCommand]] = {
    "up": LazyCommand("mosafe.up", "Run the whole platform on this machine.", "up"),
    "sdl": LazyCommand("mosafe.sdl", "Write each subgraph's SDL beside its code.", "up"),
    "env": LazyCommand("mosafe.env", "Print .env.example: every variable with meaning and default.", "up"),
    "secrets": LazyCommand("mosafe.secret_files", "Make the secrets of a deployment.", "up"),
    "auth": LazyCommand("subgraphs.auth.cli", "Serve the auth subgraph; manage users and keys.", "auth"),
    "account": LazyCommand("subgraphs.account.cli", "Serve the account subgraph; check the ledger.", "account"),
    "transaction": LazyCommand("subgraphs.transaction.cli", "Serve the transaction subgraph.", "transaction"),
    "fraud": LazyCommand(
        "subgraphs.transaction.fraud.cli", "Check fraud rules; try them on past orders.", "transaction"
    ),
    "stores": LazyCommand("mosafe.stores", "Say whether the stores of the services belong together.", "up"),
    "backup": LazyCommand("mosafe.backup.cli", "Make, verify and restore encrypted backups of all stores.", "backup"),
    "doctor": LazyCommand("mosafe.doctor.cli", "Check this installation: what is wrong, and what mends it.", "up"),
    "events": LazyCommand("mosafe.events", "Follow the events of the services; publish old ones again.", "up"),
    "certs": LazyCommand("mosafe.certificates.commands", "Make and renew the certificates of mutual TLS.", "up"),
    "sandbox-provider": LazyCommand(
        "mosafe.sandbox_provider.cli", "Serve a payment provider for tests and development.", "transaction"
    ),
    "payments": LazyCommand("mosafe.payments", "Compare a statement of the payment provider with the orders.", "up"),
    "rest": LazyCommand("rest_compat.cli", "Serve the REST layer.", "rest"),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """Run a federated GraphQL gateway, the three bank services behind it, and a REST API in front of it."""


def main() -> None:
    run(command, "mosafe")
