"""`router compose`: subgraph schemas in, supergraph out. Exit 0 composed, 1 composition errors, 2 unusable input."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from router.cli.collector import expect_long_lived_objects
from router.cli.findings import FORMAT, from_here, tell
from router.cli.output import NOT_COMPOSABLE, READABLE_FILE, WRITABLE_FILE
from router.cli.watching import Inputs
from router.composition import compose
from router.composition.config import ConfigError, read_config
from router.composition.rendering.diagnostics import LEVELS, Diagnostics
from router.composition.source_files import SourceFile
from router.composition.sources import load_subgraphs
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.composition import Subgraph
    from router.composition.config import SubgraphSource

# Long enough for a subgraph that starts cold, short enough to notice one that hangs.
_INTROSPECTION_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    config_file: Path
    output: Path | None
    form: str
    hints: str
    timeout: float
    watch: bool


@click.command("compose")
@click.option(
    "--config", "config_file", type=READABLE_FILE, required=True, help="supergraph.yaml: subgraphs and their SDL."
)
@click.option(
    "--output", type=WRITABLE_FILE, help="Where the supergraph goes; without it, stdout (with --format text only)."
)
@FORMAT
@click.option(
    "--hints",
    type=click.Choice(["none", *(level.lower() for level in LEVELS)]),
    default="warn",
    show_default=True,
    help="The quietest hints to show.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_INTROSPECTION_TIMEOUT_SECONDS,
    show_default=True,
    help="Seconds a running subgraph has to tell its SDL.",
)
@click.option("--watch", is_flag=True, help="Compose again whenever an input changes, until Ctrl-C.")
def command(**given: object) -> None:
    """Compose subgraph schemas into a supergraph.

    Exit code 0: composed; 1: the subgraphs do not compose; 2: bad usage, or an input that cannot be read.
    """
    expect_long_lived_objects()
    options = Options(**given)  # type: ignore[arg-type]  # click calls with the options declared above
    if options.watch:
        _watch(options)
        return
    try:
        sources = read_config(options.config_file, os.environ)
        diagnostics = _compose(options, sources, load_subgraphs(sources, options.timeout))
    except ConfigError as error:
        raise StartupError(str(error)) from error
    if not _tell(diagnostics, options):
        raise click.exceptions.Exit(NOT_COMPOSABLE)


def _compose(options: Options, sources: Sequence[SubgraphSource], subgraphs: Sequence[Subgraph]) -> Diagnostics:
    found = Diagnostics.of(
        compose(subgraphs),
        {subgraph.name: subgraph.sdl for subgraph in subgraphs},
        {source.name: from_here(source.origin) for source in sources if source.origin is not None},
        None if options.hints == "none" else options.hints.upper(),
    )
    return replace(found, config=from_here(SourceFile(str(options.config_file))).path)


def _tell(diagnostics: Diagnostics, options: Options) -> bool:
    return tell(diagnostics, options.form, options.output, "the subgraphs do not compose")


def _watch(options: Options) -> None:
    if options.output is None or options.form != "text":
        raise click.UsageError("--watch needs --output, and tells what it finds as text.")
    try:
        while True:
            inputs = Inputs.now(options.config_file, os.environ, options.timeout)
            # Only what is wrong now is of interest; outside a terminal this does nothing.
            click.clear()
            started = time.perf_counter()
            _round(options, inputs)
            milliseconds = (time.perf_counter() - started) * 1000
            click.echo(f"{time.strftime('%X')}  {milliseconds:.0f} ms; waiting for changes (Ctrl-C stops)", err=True)
            inputs.wait_for_change()
    except KeyboardInterrupt:
        click.echo(err=True)


def _round(options: Options, inputs: Inputs) -> None:
    """One composition of a watch: whatever is wrong is told, and may be right the next time."""
    try:
        diagnostics = _compose(options, inputs.sources, inputs.subgraphs())
        if _tell(diagnostics, options):
            count = len(diagnostics.sources)
            told = f"{count} {'subgraph' if count == 1 else 'subgraphs'} → {options.output}"
            click.secho(told, fg="green", err=True)
    except (ConfigError, StartupError) as error:
        click.secho(str(error), fg="red", err=True)
