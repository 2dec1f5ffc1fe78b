"""`router publish`: publish subgraphs to a registry in a folder or an object store."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import click

from router.cli.composition_output import color_choice, relative_to_working_directory
from router.cli.file_io import NOT_COMPOSABLE, READABLE_FILE, read_text
from router.composition import Subgraph
from router.composition.file_locations import SourceFile
from router.composition.rendering.collect_diagnostics import Diagnostics
from router.composition.rendering.text import render_text
from router.schema_check.registry.publish import NotPublishable, Publication, publish
from router.schema_check.registry.registry_version import RegistryError
from servicekit.errors import StartupError

_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments and options of `router publish`."""

    registry: str
    subgraphs: tuple[str, ...]
    routing_url: str
    removed: tuple[str, ...]
    by: str | None
    reason: str
    timeout: float


@click.command("publish")
@click.argument("registry")
@click.option(
    "--subgraph", "subgraphs", multiple=True, metavar="NAME=FILE", help="A subgraph and its SDL. May be repeated."
)
@click.option("--routing-url", default="", help="The URL of the subgraph. Without it, the URL in the registry.")
@click.option("--remove", "removed", multiple=True, metavar="NAME", help="A subgraph that leaves. May be repeated.")
@click.option("--by", help="Who publishes; without it, the name of the user.")
@click.option("--reason", default="", help="Why, such as the title of the merge request.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    help="Time limit in seconds for each request to an object store.",
)
def command(**given: object) -> None:
    """Publish subgraphs to REGISTRY, from which `router check` reads the subgraphs of other repositories.

    REGISTRY is a folder, or s3://BUCKET/FOLDER of an object store. A folder can be in a git repository, or a web server
    can serve it. A publication is one new version, which appears at once or not at all. Nothing is published if the
    subgraphs do not compose.

    Exit code 0: published, or nothing has changed; 1: the subgraphs do not compose; 2: bad usage, or REGISTRY cannot be
    read or written.
    """
    options = Options(**given)  # type: ignore[arg-type]  # click calls with the options declared above
    subgraphs, files = _subgraphs(options)
    if not subgraphs and not options.removed:
        raise click.UsageError("Nothing to publish: give --subgraph or --remove.")
    by = getpass.getuser() if options.by is None else options.by
    publication = Publication(subgraphs, options.removed, by, options.reason, datetime.now(tz=UTC))
    try:
        version = publish(options.registry, publication, options.timeout)
    except RegistryError as error:
        raise StartupError(str(error)) from error
    except NotPublishable as error:
        diagnostics = Diagnostics.of(error.composition, error.sdl, files, None)
        click.echo(render_text(diagnostics), err=True, color=color_choice())
        click.echo(f"Nothing is published: the subgraphs of {options.registry} would no longer compose.", err=True)
        raise click.exceptions.Exit(NOT_COMPOSABLE) from None
    if version is None:
        click.echo(f"Nothing is published: {options.registry} already has these subgraphs.")
    else:
        click.echo(f"{options.registry}: version {version.version} is published ({', '.join(version.changed)})")


def _subgraphs(options: Options) -> tuple[list[Subgraph], dict[str, SourceFile]]:
    if options.routing_url and len(options.subgraphs) != 1:
        raise click.UsageError("--routing-url is the URL of one subgraph: publish the others in separate commands.")
    subgraphs, files = [], {}
    for text in options.subgraphs:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise click.BadParameter(f'"{text}" is not NAME=FILE', param_hint="--subgraph")
        path = READABLE_FILE.convert(file, None, None)
        subgraphs.append(Subgraph(name, options.routing_url, read_text(path)))
        files[name] = relative_to_working_directory(SourceFile(str(path)))
    return subgraphs, files
