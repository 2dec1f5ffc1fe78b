"""`router compose`: compose subgraph schemas into a supergraph."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from router import supergraph
from router.cli.composition_output import FORMAT, relative_to_working_directory, write_result
from router.cli.file_io import NOT_COMPOSABLE, READABLE_FILE, WRITABLE_FILE
from router.cli.tune_garbage_collection_of_composition import expect_long_lived_objects
from router.cli.watch_compose_inputs import WatchedInputs
from router.composition import compose
from router.composition.file_locations import SourceFile
from router.composition.rendering.collect_diagnostics import LEVELS, Diagnostics
from router.composition.subgraph_loading import load_subgraphs
from router.composition.supergraph_yaml import ConfigError, read_config
from router.policies.authorization.requirements import SchemaRequirements
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.composition import Subgraph
    from router.composition.supergraph_yaml import SubgraphSource

# The time limit for fetching the SDL of a running subgraph. It is long enough for a subgraph that is just starting.
_INTROSPECTION_TIMEOUT_SECONDS = 30.0
POLICY_SPEC = "specs.apollo.dev/policy/"
"""A part of the URL of the policy specification. Every supergraph with `@policy` links this specification."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `router compose`."""

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
    "--output", type=WRITABLE_FILE, help="The file for the supergraph; without it, stdout (only with --format text)."
)
@FORMAT
@click.option(
    "--hints",
    type=click.Choice(["none", *(level.lower() for level in LEVELS)]),
    default="warn",
    show_default=True,
    help="The lowest level of hints to show.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_INTROSPECTION_TIMEOUT_SECONDS,
    show_default=True,
    help="Time limit in seconds for the SDL of a running subgraph.",
)
@click.option("--watch", is_flag=True, help="Compose again whenever an input changes, until Ctrl-C.")
def command(**given: object) -> None:
    """Compose subgraph schemas into a supergraph.

    Exit code 0: composed; 1: the subgraphs do not compose; 2: bad usage, or an input cannot be read.
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
    if not _write(diagnostics, options):
        raise click.exceptions.Exit(NOT_COMPOSABLE)


def _compose(options: Options, sources: Sequence[SubgraphSource], subgraphs: Sequence[Subgraph]) -> Diagnostics:
    diagnostics = Diagnostics.of(
        compose(subgraphs),
        {subgraph.name: subgraph.sdl for subgraph in subgraphs},
        {source.name: relative_to_working_directory(source.origin) for source in sources if source.origin is not None},
        None if options.hints == "none" else options.hints.upper(),
    )
    return replace(diagnostics, config=relative_to_working_directory(SourceFile(str(options.config_file))).path)


def _write(diagnostics: Diagnostics, options: Options) -> bool:
    is_written = write_result(diagnostics, options.form, options.output, "the subgraphs do not compose")
    if is_written and options.form == "text" and diagnostics.supergraph_sdl is not None:
        _name_policies(diagnostics.supergraph_sdl)
    return is_written


def _name_policies(sdl: str) -> None:
    """Print the policy names in `@policy` directives: the router needs a setting that says how to check each policy."""
    if POLICY_SPEC in sdl:  # without this check, every supergraph would be loaded, which takes time
        policies = SchemaRequirements(supergraph.load(sdl)).policies()
        if policies:
            names = ", ".join(sorted(policies))
            click.echo(f"the router must decide about policies (authorization.policies): {names}", err=True)


def _watch(options: Options) -> None:
    if options.output is None or options.form != "text":
        raise click.UsageError("--watch needs --output, and works only with --format text.")
    try:
        while True:
            inputs = WatchedInputs.now(options.config_file, os.environ, options.timeout)
            # If stdout is a terminal, `clear` removes the output of the previous composition from the screen.
            click.clear()
            started = time.perf_counter()
            _compose_once(options, inputs)
            milliseconds = (time.perf_counter() - started) * 1000
            click.echo(f"{time.strftime('%X')}  {milliseconds:.0f} ms; waiting for changes (Ctrl-C stops)", err=True)
            inputs.wait_for_change()
    except KeyboardInterrupt:
        click.echo(err=True)


def _compose_once(options: Options, inputs: WatchedInputs) -> None:
    """Compose once, and print the result. An error does not end the command: the next change may correct the error."""
    try:
        diagnostics = _compose(options, inputs.sources, inputs.subgraphs())
        if _write(diagnostics, options):
            count = len(diagnostics.sources)
            summary = f"{count} {'subgraph' if count == 1 else 'subgraphs'} → {options.output}"
            click.secho(summary, fg="green", err=True)
    except (ConfigError, StartupError) as error:
        click.secho(str(error), fg="red", err=True)
