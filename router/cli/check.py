"""`router check`: find out whether a schema change breaks clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from router.cli.composition_output import color_choice
from router.cli.file_io import READABLE_FILE, WRITABLE_FILE, write_text
from router.cli.tune_garbage_collection_of_composition import expect_long_lived_objects
from router.composition.rendering.text import render_text as render_composition
from router.schema_check.approvals import DEFAULT_FILE, InvalidApprovals, read_approvals
from router.schema_check.operations.known_operations import InvalidOperations, read_operations
from router.schema_check.rendering import FORMATS
from router.schema_check.result import FAIL_ON, CheckInput, check
from router.schema_check.schema_versions import (
    NotComposable,
    UnreadableSchema,
    read_commit,
    read_url,
    read_version,
)
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from router.schema_check.approvals import Approval
    from router.schema_check.schema_versions import SchemaVersion

_FAILED: Final = 1
_TIMEOUT_SECONDS: Final = 30.0
_EXISTING: Final = click.Path(exists=True, path_type=Path)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `router check`."""

    proposed: Path
    base: str
    operations: tuple[Path, ...]
    approvals_file: Path | None
    fail_on: str
    form: str
    output: Path | None
    timeout: float


@click.command("check")
@click.argument("proposed", type=READABLE_FILE)
@click.option(
    "--base",
    required=True,
    help="What clients know: a file like PROPOSED, the URL of a running service, or a commit such as origin/main.",
)
@click.option(
    "--operations",
    type=_EXISTING,
    multiple=True,
    help="Operations that clients send: a folder of .graphql files, one file, or a manifest (.json). May be repeated.",
)
@click.option(
    "--approvals",
    "approvals_file",
    type=READABLE_FILE,
    help=f"The file of approved changes; without it, {DEFAULT_FILE} if it exists.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    default="breaking",
    show_default=True,
    help="The lowest severity that makes the check fail.",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="The output format."
)
@click.option("--output", type=WRITABLE_FILE, help="The file for the output; without it, stdout.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    help="Time limit in seconds for the schema of a running service.",
)
def command(**given: object) -> None:
    """Check whether the schema in PROPOSED breaks clients of the schema in --base.

    PROPOSED is a list of subgraphs (supergraph.yaml), a composed supergraph, or a plain schema.

    Without --operations, every breaking change makes the check fail. With --operations, only changes that break one of
    these operations make the check fail.

    Exit code 0: the check passes; 1: it fails, or PROPOSED does not compose; 2: bad usage, or an input cannot be read.
    """
    expect_long_lived_objects()
    options = Options(**given)  # type: ignore[arg-type]  # click calls with the options declared above
    try:
        operations = read_operations(options.operations) if options.operations else None
        approvals = _approvals(options)
        base = _base(options)
        proposed = read_version(options.proposed, options.timeout)
    except (UnreadableSchema, InvalidOperations, InvalidApprovals) as error:
        raise StartupError(str(error)) from error
    except NotComposable as error:
        click.echo(render_composition(error.diagnostics), err=True, color=color_choice())
        click.echo(f"{options.proposed}: the subgraphs do not compose, so there is nothing to compare.", err=True)
        raise click.exceptions.Exit(_FAILED) from None
    today = datetime.now(tz=UTC).date()
    result = check(CheckInput(base, proposed, operations, approvals, today, options.fail_on))
    _write(options, FORMATS[options.form](result))
    if not result.passes:
        raise click.exceptions.Exit(_FAILED)


def _approvals(options: Options) -> tuple[Approval, ...]:
    path = options.approvals_file or Path(DEFAULT_FILE)
    if options.approvals_file is None and not path.exists():
        return ()
    return tuple(read_approvals(path))


def _base(options: Options) -> SchemaVersion:
    """Read the schema in `--base`, with which the proposed schema is compared.

    Raises:
        UnreadableSchema: The schema cannot be read.
        StartupError: The subgraphs of the schema do not compose.
    """
    try:
        if options.base.startswith(("http://", "https://")):
            return asyncio.run(read_url(options.base, options.timeout))
        path = Path(options.base)
        if path.exists():
            return read_version(path, options.timeout)
        return read_commit(options.proposed, options.base, options.timeout)
    except NotComposable as error:
        click.echo(render_composition(error.diagnostics), err=True, color=color_choice())
        raise StartupError(
            f"{options.base}: the subgraphs of the base do not compose; name a version that clients use as --base"
        ) from error


def _write(options: Options, report: str) -> None:
    if options.form == "text" and options.output is None:
        click.echo(report, color=color_choice())
    else:
        write_text(options.output, f"{click.unstyle(report)}\n")
