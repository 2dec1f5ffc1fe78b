"""`router subgraph`: print the SDL of a running subgraph."""

from __future__ import annotations

import asyncio

import click

from router.composition.query_running_service import introspect
from router.composition.supergraph_yaml import ConfigError
from servicekit.errors import StartupError

# The time limit of the request. `router compose` has the same limit.
_TIMEOUT_SECONDS = 30.0


@click.group("subgraph")
def command() -> None:
    """Print the SDL of running subgraphs."""


@command.command("introspect")
@click.argument("url")
@click.option("--header", "headers", multiple=True, metavar="K=V", help="A header to send; may be repeated.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    help="Time limit of the request in seconds.",
)
def introspect_command(url: str, headers: tuple[str, ...], timeout: float) -> None:
    """Print the SDL that the subgraph at URL returns for `_service { sdl }`."""
    try:
        sdl = asyncio.run(introspect(url, dict(map(_header, headers)), timeout))
    except ConfigError as error:
        raise StartupError(str(error)) from error
    click.echo(sdl, nl=not sdl.endswith("\n"))


def _header(text: str) -> tuple[str, str]:
    """Return the name and value of a header that is written as `K=V`, or as `K: V` like in curl."""
    end = min((position for separator in "=:" if (position := text.find(separator)) > 0), default=None)
    if end is None:
        raise click.BadParameter("a header must be written as K=V", param_hint="--header")
    return text[:end].strip(), text[end + 1 :].strip()
