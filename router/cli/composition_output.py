"""Prints the errors and hints of a composition, and writes the composed supergraph."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from router.cli.file_io import write_text
from router.composition.rendering import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from router.composition.file_locations import SourceFile
    from router.composition.rendering.collect_diagnostics import Diagnostics

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="The format of errors and hints: text goes to stderr, the others go to stdout.",
)


def color_choice() -> bool | None:
    """Return False if the environment variable NO_COLOR is set, otherwise None.

    For None, click prints colours only if the output is a terminal.
    """
    return False if os.environ.get("NO_COLOR") else None


def relative_to_working_directory(file: SourceFile) -> SourceFile:
    """Return `file` with a path relative to the working directory.

    On a CI server, the working directory is the checkout. So the relative path is the path of the file in the
    repository.
    """
    return replace(file, path=os.path.relpath(file.path))


def write_result(diagnostics: Diagnostics, form: str, output: Path | None, failure: str) -> bool:
    """Print the errors and hints, and write the supergraph if there is one. Return whether there is a supergraph.

    If there is no supergraph, also print `failure`. In the format `text`, errors and hints go to stderr, and the
    supergraph goes to `output` or stdout. In any other format, errors and hints go to stdout, and the supergraph is
    written only if `output` is given. The JSON format contains the supergraph.
    """
    report = FORMATS[form](diagnostics)
    if report and form == "text":
        click.echo(report, err=True, color=color_choice())
    elif report:
        write_text(None, f"{report}\n")
    if diagnostics.supergraph_sdl is None:
        count = sum(finding.level == "ERROR" for finding in diagnostics.findings)
        click.echo(f"{count} {'error' if count == 1 else 'errors'}: {failure}.", err=True)
        return False
    if output is not None or form == "text":
        write_text(output, diagnostics.supergraph_sdl)
    return True
