"""`router config`: check a configuration, or print its JSON Schema or reference page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from router.cli.read_supergraph import read_supergraph
from router.lifecycle.build_gateway import assemble, initial_documents
from router.lifecycle.read_supergraph_from_file_or_url import UrlSource
from router.policies.persisted_documents import PersistedDocumentList
from router.policies.read_persisted_manifests import InvalidManifest
from router.settings import RouterSettings, load
from router.settings.json_schema import json_schema
from router.settings.reference_page import reference
from router.settings.sections.persisted_documents import PersistedMode
from servicekit.errors import StartupError
from servicekit.settings import environment

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("config")
def command() -> None:
    """Check a configuration, or print its JSON Schema or reference page."""


@command.command("check")
@click.option("--config", "config_file", type=_FILE, required=True, help="The router.yaml to check.")
@click.option(
    "--supergraph",
    "supergraph_file",
    type=_FILE,
    help="Also check the names and URLs of subgraphs against this supergraph; default: `supergraph.file`.",
)
def check(config_file: Path, supergraph_file: Path | None) -> None:
    """Check a configuration with the current environment variables.

    Reads the configuration and the files that it names, like `router serve`. Exit code 2: a file cannot be used.
    """
    environ = environment()
    supergraph_file = supergraph_file or load(config_file, environ).supergraph.file
    graph = read_supergraph(supergraph_file) if supergraph_file is not None else None
    settings = load(config_file, environ, subgraphs=graph.subgraphs if graph is not None else None)
    _open_named_files(settings)
    if graph is not None:
        assemble(graph, settings, str(supergraph_file))
    click.echo(f"{config_file} is valid")


def _open_named_files(settings: RouterSettings) -> None:
    """Check that all files named in the configuration can be used.

    Raises:
        StartupError: a file cannot be used.
    """
    initial_documents(settings)
    if settings.supergraph.url is not None:
        UrlSource(settings.supergraph.url, settings.supergraph).close()
    try:
        if settings.persisted_documents.mode is not PersistedMode.DISABLED:
            PersistedDocumentList(settings.persisted_documents)
    except InvalidManifest as error:
        raise StartupError(f"persisted_documents.manifests: {error}") from error


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of router.yaml, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))


@command.command("reference")
def print_reference() -> None:
    """Print the reference page of router.yaml, in Markdown."""
    click.echo(reference(), nl=False)
