"""`router subgraph`: ask running subgraphs."""

from __future__ import annotations

import asyncio

import click

from router.composition.config import ConfigError
from router.composition.sources import introspect
from servicekit.errors import StartupError

# As long as composition waits for one.
_TIMEOUT_SECONDS = 30.0


@click.group("subgraph")
def command() -> None:
    """Ask running subgraphs."""


@command.command("introspect")
@click.argument("url")
@click.option("--header", "headers", multiple=True, metavar="K=V", help="A header to send; may be repeated.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    help="Seconds for the whole exchange.",
)
def introspect_command(url: str, headers: tuple[str, ...], timeout: float) -> None:
    """Print the SDL that the subgraph at URL tells of itself (`_service { sdl }`)."""
    try:
        sdl = asyncio.run(introspect(url, dict(map(_header, headers)), timeout))
    except ConfigError as error:
        raise StartupError(str(error)) from error
    click.echo(sdl, nl=not sdl.endswith("\n"))


def _header(text: str) -> tuple[str, str]:
    """`K=V`, or `K: V` as curl has it; the first of the two separators counts."""
    cut = min((position for separator in "=:" if (position := text.find(separator)) > 0), default=None)
    if cut is None:
        raise click.BadParameter("a header is written as K=V", param_hint="--header")
    return text[:cut].strip(), text[cut + 1 :].strip()
