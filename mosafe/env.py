"""``mosafe env``: print ``.env.example`` from the table of variables."""

from __future__ import annotations

import click

from servicekit.variables import render_env_example


@click.command("env")
def command() -> None:
    """Print .env.example: every variable with its meaning and default."""
    click.echo(render_env_example(), nl=False)
