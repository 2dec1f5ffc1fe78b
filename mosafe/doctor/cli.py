"""`mosafe doctor`: the command."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from mosafe.doctor.findings import Status
from mosafe.doctor.run_checks import run_checks
from servicekit.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mosafe.doctor.findings import Finding

# The exit code by the most serious finding.
EXIT_CODES: Final = {Status.OK: 0, Status.WARNING: 1, Status.FAILED: 2}
_COLOURS: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red"}


@click.command("doctor")
@click.option("--json", "is_json", is_flag=True, help="Print JSON: a list of findings.")
@click.pass_context
def command(context: click.Context, *, is_json: bool) -> None:
    """Check this installation: one line for each finding, with what mends it. Nothing is changed.

    The exit code is 0 if all is well, 1 with warnings, and 2 if something has failed.
    """
    findings = asyncio.run(run_checks(environment()))
    if is_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            click.echo(_line(finding))
    context.exit(exit_code(findings))


def exit_code(findings: Iterable[Finding]) -> int:
    return max((EXIT_CODES[finding.status] for finding in findings), default=0)


def _line(finding: Finding) -> str:
    status = click.style(f"{finding.status:<8}", fg=_COLOURS[finding.status])
    return f"{status} {finding.check:<18} {finding.text}{'' if finding.fix is None else f'  -> {finding.fix}'}"
