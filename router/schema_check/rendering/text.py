"""Print the result as text for a terminal.

Changes that make the check fail come first. Each change is shown with its places, the operations that it breaks, and
what to do:

breaking[FIELD_REMOVED]: The field Query.book was removed; it seems to be renamed to Query.bookById.
  --> services/books.graphql:3:3 (origin/main:services/books.graphql:4:3)
  why: Operations that select it become invalid.
  breaks: Book (operations/book.graphql:1)
  help: Keep it, mark it with @deprecated, … Or approve FIELD_REMOVED:Query.book in .router/approvals.yaml …
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from router.printable_text import printable
from router.schema_check.changes import Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import advice_for, note_of, operations_of, summary_of
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

_COLOURS: Final = {Severity.BREAKING: "red", Severity.DANGEROUS: "yellow", Severity.SAFE: "green"}
_LEVEL_COLOURS: Final = {Level.ERROR: "red", Level.WARNING: "yellow", Level.INFO: "blue"}
# The maximum number of operations that are shown for one change. A change can break hundreds of operations. The JSON
# format lists all of them.
_SHOWN_OPERATIONS: Final = 5
_UNKNOWN_OPERATIONS: Final = (
    "note: it is not known what clients send, so every breaking change fails; name it with --operations or --usage"
)


def render_text(result: CheckResult) -> str:
    """Return the findings and a summary as text. `click.echo` removes colours if it does not write to a terminal."""
    ordered = sorted(result.findings, key=lambda finding: finding.verdict is not Verdict.FAILS)
    lines = [line for finding in ordered for line in _finding(finding)]
    by_level = sorted(result.step_findings, key=lambda finding: list(Level).index(finding.level))
    lines += [line for finding in by_level for line in _step_finding(finding)]
    lines += [
        printable(f"note: {operation.name} ({operation.place}) is not valid with {result.base}, so it is not judged")
        for operation in (result.impact.invalid_before if result.impact else ())
    ]
    lines += [
        printable(f"note: {approval.place}: this check found no change {approval.change}")
        for approval in result.unused_approvals
    ]
    if result.failures and result.impact is None:
        lines.append(_UNKNOWN_OPERATIONS)
    colour = "green" if result.passes else "red"
    return "\n".join([*lines, click.style(printable(summary_of(result)), fg=colour, bold=True)])


def _finding(finding: Finding) -> Iterator[str]:
    change = finding.change
    label = click.style(f"{change.severity}[{change.code}]", fg=_COLOURS[change.severity], bold=True)
    yield f"{label}: {printable(change.message)}"
    if change.severity is Severity.SAFE:
        return
    before = f" ({finding.base_place})" if finding.base_place and finding.proposed_place else ""
    if finding.place is not None:
        yield f"  --> {printable(f'{finding.place}{before}')}"
    yield f"  why: {change.reason}"
    operations = operations_of(finding)
    for operation in operations[:_SHOWN_OPERATIONS]:
        yield f"  breaks: {printable(operation)}"
    if len(operations) > _SHOWN_OPERATIONS:
        yield f"  breaks: {len(operations) - _SHOWN_OPERATIONS} more operations"
    note = note_of(finding)
    if note is not None:
        yield f"  note: {printable(note)}"
    if finding.verdict is Verdict.FAILS:
        yield f"  {click.style('help', fg='cyan')}: {advice_for(finding)}"
        yield ""


def _step_finding(finding: StepFinding) -> Iterator[str]:
    label = click.style(f"{finding.level}[{finding.code}]", fg=_LEVEL_COLOURS[finding.level], bold=True)
    yield f"{label}: {printable(finding.message)}"
    if finding.place is not None:
        yield f"  --> {printable(str(finding.place))}"
    for note in finding.notes:
        yield f"  note: {printable(note)}"
    yield f"  {click.style('help', fg='cyan')}: {printable(finding.advice)}"
    yield ""
