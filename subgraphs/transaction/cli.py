"""``mosafe transaction``: serve."""

from __future__ import annotations

import click

from servicekit.server import Endpoint, serve
from servicekit.settings import environment, load
from subgraphs.transaction.app import create_app
from subgraphs.transaction.settings import TransactionSettings


@click.group("transaction", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """The transaction service; without a sub-command it serves."""
    if context.invoked_subcommand is None:
        context.invoke(serve_command)


@command.command("serve")
def serve_command() -> None:
    """Serve the transaction subgraph (the default)."""
    settings = load(TransactionSettings, environment())
    endpoint = Endpoint(settings.host, settings.port, "TRANSACTION_PORT")
    serve("transaction", lambda: create_app(settings), endpoint, settings)
