"""What `router plan` and `router explain-plan` are asked about: one operation on one supergraph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from graphql import GraphQLSyntaxError, parse, validate

from router.cli.supergraph_file import read_supergraph
from router.errors import RequestError
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import DocumentNode

    from router.supergraph import Supergraph

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.option("--supergraph", "supergraph_file", type=_FILE, required=True, help="The composed supergraph."),
    click.option("--operation", "operation_file", type=_FILE, required=True, help="A document with the operation."),
    click.option("--operation-name", help="Which operation, if the document has several."),
    click.option(
        "--override-label",
        "override_labels",
        multiple=True,
        help="A label of a progressive @override that holds; may be repeated. The others do not.",
    ),
)


@dataclass(frozen=True, slots=True)
class AskedOperation:
    """A document that is valid on the API schema, which of its operations is meant, and the labels that hold."""

    supergraph: Supergraph
    document: DocumentNode
    name: str | None
    override_labels: frozenset[str]


def about_an_operation(run: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that name an operation; it gets an `AskedOperation` as its first argument.

    A file or an operation that is wrong, or cannot be planned, ends the command with one line that says so.
    """

    @wraps(run)
    def command(
        *,
        supergraph_file: Path,
        operation_file: Path,
        operation_name: str | None,
        override_labels: tuple[str, ...],
        **options: object,
    ) -> None:
        try:
            supergraph = read_supergraph(supergraph_file)
        except StartupError as error:
            raise click.ClickException(str(error)) from None
        document = _document(supergraph, operation_file)
        try:
            run(AskedOperation(supergraph, document, operation_name, frozenset(override_labels)), **options)
        except RequestError as error:
            raise click.ClickException(f"{operation_file}: {error.message}") from None

    for option in reversed(_OPTIONS):
        option(command)
    return command


def _document(supergraph: Supergraph, file: Path) -> DocumentNode:
    try:
        document = parse(file.read_text(encoding="utf-8"))
    except GraphQLSyntaxError as error:
        raise click.ClickException(f"{file}: {error}") from None
    except (OSError, UnicodeDecodeError):
        raise click.ClickException(f"{file}: cannot be read as UTF-8 text") from None
    errors = validate(supergraph.api_schema, document)
    if errors:
        raise click.ClickException("\n".join(f"{file}: {error}" for error in errors))
    return document
