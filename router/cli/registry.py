"""`router registry`: read the history of a registry of subgraphs, print an SDL, or verify all checksums."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from router.printable_text import printable
from router.schema_check.registry.open_registry import open_registry
from router.schema_check.registry.read_and_verify_history import history, verify
from router.schema_check.registry.read_registry import read_registry
from router.schema_check.registry.registry_version import RegistryError
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT: Final = click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=30.0,
    show_default=True,
    help="Time limit in seconds for a server or git.",
)


@click.group("registry")
def command() -> None:
    """Read a registry of subgraphs: a folder, git+URL#BRANCH:FOLDER, the URL of a folder, or s3://BUCKET/FOLDER."""


@command.command("history")
@click.argument("registry")
@_TIMEOUT
def print_history(registry: str, timeout: float) -> None:
    """Print all versions, the newest first: number, time, who, changed subgraphs, reason."""
    with _explained(), open_registry(registry, timeout) as files:
        for version in history(files):
            reason = f"  {version.reason}" if version.reason else ""
            click.echo(
                printable(
                    f"{version.version:>5}  {version.published}  {version.by or '-'}  "
                    f"{', '.join(version.changed)}{reason}"
                )
            )


@command.command("show")
@click.argument("registry")
@click.argument("subgraph", required=False)
@_TIMEOUT
def show(registry: str, subgraph: str | None, timeout: float) -> None:
    """Print the newest SDL of SUBGRAPH; without SUBGRAPH, list the subgraphs with version, URL and checksum."""
    with _explained():
        snapshot = read_registry(registry, timeout)
    if subgraph is None:
        for name, each in snapshot.version.subgraphs.items():
            click.echo(printable(f"{name}  version {each.since}  {each.routing_url}  {each.sha256}"))
        return
    found = next((each for each in snapshot.subgraphs if each.name == subgraph), None)
    if found is None:
        names = ", ".join(snapshot.version.subgraphs) or "none"
        raise StartupError(f'{snapshot.label} has no subgraph "{subgraph}"; it has {names}')
    click.echo(found.sdl, nl=not found.sdl.endswith("\n"))


@command.command("verify")
@click.argument("registry")
@_TIMEOUT
def verify_registry(registry: str, timeout: float) -> None:
    """Read every file of REGISTRY, and compare its checksum. Exit code 2: a file is missing or was changed."""
    with _explained(), open_registry(registry, timeout) as files:
        count = verify(files)
        click.echo(f"{files.label}: all files of {count} versions have their checksums")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except RegistryError as error:
        raise StartupError(str(error)) from error
