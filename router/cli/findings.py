"""How commands that make a supergraph tell what they found, and hand it over."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from router.cli.output import write
from router.composition.rendering import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from router.composition.rendering.diagnostics import Diagnostics
    from router.composition.source_files import SourceFile

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How errors and hints are told: text on stderr, the others on stdout.",
)


def from_here(file: SourceFile) -> SourceFile:
    """CI servers want paths from the checkout, where the command is run."""
    return replace(file, path=os.path.relpath(file.path))


def tell(diagnostics: Diagnostics, form: str, output: Path | None, failure: str) -> bool:
    """Show the findings and write the supergraph, if there is one. Whether there is one.

    As text, findings go to stderr, so that the supergraph can go to stdout. A format for programs owns stdout; the
    supergraph then needs a file (JSON has it inside).
    """
    report = FORMATS[form](diagnostics)
    if report and form == "text":
        click.echo(report, err=True)
    elif report:
        write(None, f"{report}\n")
    if diagnostics.supergraph_sdl is None:
        count = sum(finding.level == "ERROR" for finding in diagnostics.findings)
        click.echo(f"{count} {'error' if count == 1 else 'errors'}: {failure}.", err=True)
        return False
    if output is not None or form == "text":
        write(output, diagnostics.supergraph_sdl)
    return True
