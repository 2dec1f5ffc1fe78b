"""Adds options to `router plan` and `router explain-plan`. The options select a supergraph and an operation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click
from graphql import GraphQLSyntaxError, Source, parse, validate

from router.cli.read_supergraph import read_supergraph
from router.errors import RequestError
from router.planner import Bounds
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
        help="The document with the operation; - is stdin.",
    ),
    click.option("--operation-name", help="The operation to plan, if the document has several."),
    click.option(
        "--override-label",
        "override_labels",
        multiple=True,
        help="A label of a progressive @override that is active; may be repeated. All others are inactive.",
    ),
    click.option(
        "--work",
        type=click.IntRange(min=0),
        default=Bounds().work,
        show_default=True,
        help="The work budget of the search for a better plan, in units of about 10 µs.",
    ),
    click.option(
        "--deadline",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Time limit of this search; without it, there is no time limit.",
    ),
)
_STDIN: Final = Path("-")


@dataclass(frozen=True, slots=True)
class OperationArguments:
    """The values of the options that `with_operation_options` adds to a command, as click passes them."""

    supergraph_file: Path
    operation_file: Path
    operation_name: str | None
    override_labels: tuple[str, ...]
    work: int
    deadline: float | None


_ARGUMENTS: Final = tuple(field.name for field in fields(OperationArguments))


@dataclass(frozen=True, slots=True)
class SelectedOperation:
    """An operation to plan, and how to plan it.

    Attributes:
        document: the document with the operation. It is valid for the API schema of the supergraph.
        name: the name of the operation. It is None if no name was given; the document then has only one operation.
        override_labels: the active labels of progressive overrides.
    """

    supergraph: Supergraph
    document: DocumentNode
    name: str | None
    override_labels: frozenset[str]
    bounds: Bounds


def with_operation_options(run: _Command) -> _Command:
    """Add the options that select a supergraph and an operation to the command `run`.

    The options are read and checked first. `run` then gets a `SelectedOperation` as its first argument.

    If a file cannot be read, or the operation is invalid or cannot be planned, the command ends with an error message.
    """

    @wraps(run)
    def command(**given: object) -> None:
        arguments = OperationArguments(**{name: given.pop(name) for name in _ARGUMENTS})  # type: ignore[arg-type]  # click calls with the options declared above
        selected = _selected(arguments)
        try:
            run(selected, **given)
        except RequestError as error:
            raise click.ClickException(f"{_display_name(arguments.operation_file)}: {error.message}") from None

    for option in reversed(_OPTIONS):
        option(command)
    return command


def print_hints(hints: Iterable[str]) -> None:
    """Print hints to stderr, because a program may read the result of the command from stdout."""
    for hint in hints:
        click.echo(f"hint: {hint}", err=True)


def _selected(arguments: OperationArguments) -> SelectedOperation:
    try:
        supergraph = read_supergraph(arguments.supergraph_file)
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    return SelectedOperation(
        supergraph=supergraph,
        override_labels=_labels(supergraph, arguments.override_labels),
        document=_document(supergraph, arguments.operation_file),
        name=arguments.operation_name,
        bounds=Bounds(arguments.work, arguments.deadline),
    )


def _labels(supergraph: Supergraph, given: tuple[str, ...]) -> frozenset[str]:
    known = supergraph.override_labels
    for label in given:
        if label not in known:
            names = ", ".join(sorted(known)) or "none"
            raise click.BadParameter(
                f"the supergraph has no label {label!r}; its labels: {names}", param_hint="'--override-label'"
            )
    return frozenset(given)


def _display_name(file: Path) -> str:
    return "stdin" if file == _STDIN else str(file)


def _document(supergraph: Supergraph, file: Path) -> DocumentNode:
    name = _display_name(file)
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
