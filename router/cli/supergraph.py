"""`router supergraph`: print the API schema or the subgraphs of a supergraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from graphql import print_schema

from router.cli.file_io import READABLE_FILE, WRITABLE_FILE, write_text
from router.cli.read_supergraph import read_supergraph
from router.supergraph.merged_and_api_schema import published_schema

if TYPE_CHECKING:
    from pathlib import Path


@click.group("supergraph")
def command() -> None:
    """Print the API schema or the subgraphs of a supergraph."""


@command.command("schema")
@click.argument("file", type=READABLE_FILE)
@click.option("--subgraph", "name", help="Print the schema of this subgraph instead of the API schema.")
@click.option("--output", type=WRITABLE_FILE, help="The file for the schema; without it, stdout.")
def schema_command(file: Path, name: str | None, output: Path | None) -> None:
    """Print the schema that clients of the supergraph in FILE see (the API schema)."""
    supergraph = read_supergraph(file)
    if name is None:
        schema = published_schema(supergraph.api_schema)
    elif name in supergraph.subgraphs:
        schema = supergraph.subgraphs[name].schema
    else:
        known = ", ".join(supergraph.subgraphs)
        raise click.BadParameter(f"there is no subgraph {name!r}; there are {known}", param_hint="--subgraph")
    write_text(output, print_schema(schema) + "\n")


@command.command("subgraphs")
@click.argument("file", type=READABLE_FILE)
def subgraphs_command(file: Path) -> None:
    """Print the names and URLs of the subgraphs of the supergraph in FILE."""
    for subgraph in read_supergraph(file).subgraphs.values():
        click.echo(f"{subgraph.name}\t{subgraph.url}")
