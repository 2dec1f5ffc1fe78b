"""`router compose`: subgraph schemas in, supergraph out. Exit 0 composed, 1 composition errors, 2 unusable input."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from router.composition import compose
from router.composition.config import ConfigError, SubgraphSource, read_config
from router.composition.rendering import FORMATS
from router.composition.rendering.diagnostics import LEVELS, Diagnostics
from router.composition.sources import load_subgraphs
from servicekit.errors import StartupError

NOT_COMPOSABLE = 1
"""Exit code when everything could be read, but the subgraphs do not compose."""

# Long enough for a subgraph that starts cold, short enough to notice one that hangs.
_INTROSPECTION_TIMEOUT_SECONDS = 30.0


@click.command("compose")
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="supergraph.yaml: the subgraphs and where their SDL is.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the supergraph goes, else stdout."
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", help="How errors and hints are shown."
)
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
def command(config_file: Path, output: Path | None, form: str, hints: str, timeout: float) -> None:
    """Compose subgraph schemas into a supergraph."""
    try:
        sources = read_config(config_file, os.environ)
        subgraphs = load_subgraphs(sources, timeout)
    except ConfigError as error:
        raise StartupError(str(error)) from error
    composition = compose(subgraphs)
    diagnostics = Diagnostics.of(
        composition,
        {subgraph.name: subgraph.sdl for subgraph in subgraphs},
        _files(sources),
        None if hints == "none" else hints.upper(),
    )
    # The supergraph owns stdout when it has no file; findings for programs go there when it has one.
    to_stderr = form == "text" or output is None
    rendered = FORMATS[form](diagnostics)
    if rendered:
        click.echo(rendered, err=to_stderr)
    if composition.supergraph_sdl is None:
        count = len(composition.errors)
        click.echo(f"{count} {'error' if count == 1 else 'errors'}: the subgraphs do not compose.", err=True)
        raise click.exceptions.Exit(NOT_COMPOSABLE)
    if output is None:
        click.echo(composition.supergraph_sdl, nl=False)
    else:
        _write(output, composition.supergraph_sdl)


def _files(sources: list[SubgraphSource]) -> dict[str, str]:
    return {source.name: os.path.relpath(source.file) for source in sources if source.file is not None}


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a router may be watching the file."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        temporary = Path(file.name)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error
