"""`router check init` and `router check schema`: write a first policy, or print its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from router.cli.file_io import write_text
from router.schema_check.git_files import default_branch
from router.schema_check.policy.read_check_file import DEFAULT_FILE
from router.schema_check.policy.starter_check_file import SCHEMA_FILE, check_file_schema, starter_check_file
from servicekit.errors import StartupError

_PROPOSED: Final = ("supergraph.yaml", "supergraph.yml", "supergraph.graphql", "schema.graphql")


@click.command("init")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def init(*, force: bool) -> None:
    """Write .router/check.yaml, the policy that `router check` reads, and the JSON Schema for editors beside it."""
    path = Path(DEFAULT_FILE)
    if path.exists() and not force:
        raise StartupError(f"{path} exists already; --force overwrites it")
    proposed = next((name for name in _PROPOSED if Path(name).exists()), None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"{path.parent}: cannot be created: {error.strerror}") from error
    write_text(path, starter_check_file(proposed, default_branch(Path())))
    write_text(path.parent / SCHEMA_FILE, _schema())
    click.echo(f"{path} is written. Commit it together with {path.parent / SCHEMA_FILE}, then run: router check")
    if proposed is None:
        click.echo("No schema was found here: write its path as `proposed`, or `registry` and `subgraphs`.")


@click.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of .router/check.yaml."""
    click.echo(_schema(), nl=False)


def _schema() -> str:
    return f"{json.dumps(check_file_schema(), indent=2)}\n"
