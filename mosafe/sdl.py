"""`mosafe sdl`: write `subgraphs/<name>/schema.graphql`, which `router compose` reads.

The router does not import the subgraphs, so it reads their SDL from files. A test fails if a file is out of date.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import click

SUBGRAPHS: Final = ("auth", "account", "transaction")
ROOT: Final = Path(__file__).parent.parent


def sdl_of(name: str) -> str:
    """Return the SDL that the subgraph serves, with a newline at the end."""
    text: str = importlib.import_module(f"subgraphs.{name}.schema").sdl()
    return text.rstrip("\n") + "\n"


def sdl_path(name: str) -> Path:
    return ROOT / "subgraphs" / name / "schema.graphql"


@click.command("sdl")
def command() -> None:
    """Write each subgraph's SDL beside its code."""
    for name in SUBGRAPHS:
        sdl_path(name).write_text(sdl_of(name), encoding="utf-8")
        click.echo(sdl_path(name).relative_to(ROOT))
