"""`router config`: look at a configuration without serving it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from router.cli.supergraph_file import read_supergraph
from router.settings import load
from router.settings.reference import reference
from router.settings.schema import json_schema
from servicekit.settings import environment

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("config")
def command() -> None:
    """Check a configuration, or print what one may contain."""


@command.command("check")
@click.option("--config", "config_file", type=_FILE, required=True, help="The router.yaml to check.")
@click.option("--supergraph", "supergraph_file", type=_FILE, help="Check names of subgraphs against this supergraph.")
def check(config_file: Path, supergraph_file: Path | None) -> None:
    """Read a configuration as `router serve` would, in this environment. Exit code 2 and every problem if it cannot."""
    subgraphs = read_supergraph(supergraph_file).subgraphs if supergraph_file is not None else None
    load(config_file, environment(), subgraphs=subgraphs)
    click.echo(f"{config_file} is valid")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of router.yaml, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@command.command("reference")
def print_reference() -> None:
    """Print the reference page of router.yaml, in Markdown."""
    click.echo(reference(), nl=False)
