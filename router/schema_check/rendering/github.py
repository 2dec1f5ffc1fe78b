"""Print the result as workflow commands of GitHub Actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.composition.rendering.github import workflow_command
from router.schema_check.changes import Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import lines_of, lines_of_step, summary_of
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

# The workflow command for a change that does not make the check fail, by severity. Safe changes are not shown.
_COMMANDS: Final = {Severity.BREAKING: "warning", Severity.DANGEROUS: "notice"}
_STEP_COMMANDS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def render_github(result: CheckResult) -> str:
    """Return workflow commands: for each change that is not safe, each finding of another step, and the result."""
    shown = [finding for finding in result.findings if finding.change.severity in _COMMANDS]
    lines = [_finding(finding) for finding in shown]
    lines += [_step_finding(finding) for finding in result.step_findings]
    command = "notice" if result.passes else "error"
    return "\n".join([*lines, workflow_command(command, "Schema check", summary_of(result), None)])


def _finding(finding: Finding) -> str:
    change = finding.change
    fails = finding.verdict is Verdict.FAILS
    command = "error" if fails else _COMMANDS[change.severity]
    # Only the place in the proposed version is used, because GitHub cannot show a file of the base version.
    return workflow_command(command, change.code, "\n".join(lines_of(finding)), finding.proposed_place)


def _step_finding(finding: StepFinding) -> str:
    message = "\n".join(lines_of_step(finding))
    return workflow_command(_STEP_COMMANDS[finding.level], finding.code, message, finding.place)
