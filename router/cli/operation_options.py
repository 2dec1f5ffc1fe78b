"""What `router plan` and `router explain-plan` are asked about: one operation on one supergraph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click
from graphql import GraphQLSyntaxError, Source, parse, validate

from router.cli.supergraph_file import read_supergraph
from router.errors import RequestError
from router.planner import Bounds
from router.planner.graph.override_labels import labels_in
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import DocumentNode

    from router.supergraph import Supergraph

_Command: TypeAlias = Callable[..., None]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: Final[tuple[Callable[[_Command], _Command], ...]] = (
    click.option("--supergraph", "supergraph_file", type=_FILE, required=True, help="The composed supergraph."),
    click.option(
        "--operation",
        "operation_file",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        required=True,
        help="A document with the operation; - is stdin.",
    ),
    click.option("--operation-name", help="Which operation, if the document has several."),
    click.option(
        "--override-label",
        "override_labels",
        multiple=True,
        help="A label of a progressive @override that holds; may be repeated. The others do not.",
    ),
    click.option(
        "--work",
        type=click.IntRange(min=0),
        default=Bounds().work,
        show_default=True,
        help="How far to search for a better plan, in units of about 10 µs.",
    ),
    click.option(
        "--deadline",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="When to end that search; as late as it takes if not given.",
    ),
)
_STDIN: Final = Path("-")


@dataclass(frozen=True, slots=True)
class AskedOperation:
    """A document that is valid on the API schema, which of its operations is meant, and how it is to be planned."""

    supergraph: Supergraph
    document: DocumentNode
    name: str | None
    override_labels: frozenset[str]
    bounds: Bounds


def about_an_operation(run: _Command) -> _Command:
    """Give a command the options that name an operation; it gets an `AskedOperation` as its first argument.

    A file or an operation that is wrong, or cannot be planned, ends the command with one line that says so.
    """

    @wraps(run)
    def command(  # noqa: PLR0913 - one parameter an option
        *,
        supergraph_file: Path,
        operation_file: Path,
        operation_name: str | None,
        override_labels: tuple[str, ...],
        work: int,
        deadline: float | None,
        **options: object,
    ) -> None:
        try:
            supergraph = read_supergraph(supergraph_file)
        except StartupError as error:
            raise click.ClickException(str(error)) from None
        labels = _labels(supergraph, override_labels)
        document = _document(supergraph, operation_file)
        try:
            run(AskedOperation(supergraph, document, operation_name, labels, Bounds(work, deadline)), **options)
        except RequestError as error:
            raise click.ClickException(f"{_named(operation_file)}: {error.message}") from None

    for option in reversed(_OPTIONS):
        option(command)
    return command


def tell_hints(hints: Iterable[str]) -> None:
    """Beside the result: it may be read by a program."""
    for hint in hints:
        click.echo(f"hint: {hint}", err=True)


def _labels(supergraph: Supergraph, given: tuple[str, ...]) -> frozenset[str]:
    known = labels_in(supergraph)
    for label in given:
        if label not in known:
            there = ", ".join(sorted(known)) or "none"
            raise click.BadParameter(
                f"the supergraph has no label {label!r}; its labels: {there}", param_hint="'--override-label'"
            )
    return frozenset(given)


def _named(file: Path) -> str:
    return "stdin" if file == _STDIN else str(file)


def _document(supergraph: Supergraph, file: Path) -> DocumentNode:
    name = _named(file)
    try:
        text = sys.stdin.buffer.read().decode() if file == _STDIN else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise click.ClickException(f"{name}: cannot be read as UTF-8 text") from None
    try:
        document = parse(Source(text, name))
    except GraphQLSyntaxError as error:
        raise click.ClickException(str(error)) from None
    errors = validate(supergraph.api_schema, document)
    if errors:
        raise click.ClickException("\n\n".join(map(str, errors)))
    return document
