"""`mosafe env`: print `.env.example` from the table of variables."""

from __future__ import annotations

import click

from bank.variables import VARIABLES


@click.command("env")
def command() -> None:
    """Print .env.example: every variable with its meaning and default."""
    click.echo(VARIABLES.env_example(), nl=False)
