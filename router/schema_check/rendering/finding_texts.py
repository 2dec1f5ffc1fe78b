"""Texts about a finding that several output formats share: the advice, the note, the broken operations, the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.changes import ChangeCode, Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

_DEPRECATE_FIRST = "Keep it, mark it with @deprecated, and remove it when no client uses it."
_ADVICE = {
    ChangeCode.FIELD_REMOVED: _DEPRECATE_FIRST,
    ChangeCode.ARGUMENT_REMOVED: _DEPRECATE_FIRST,
    ChangeCode.INPUT_FIELD_REMOVED: _DEPRECATE_FIRST,
    ChangeCode.ENUM_VALUE_REMOVED: _DEPRECATE_FIRST,
    ChangeCode.TYPE_REMOVED: "Keep the type until no operation names it.",
    ChangeCode.FIELD_TYPE_CHANGED: "Add a field with the new type, and deprecate this one.",
    ChangeCode.ARGUMENT_ADDED: "Make the argument nullable, or give it a default value.",
    ChangeCode.INPUT_FIELD_ADDED: "Make the input field nullable, or give it a default value.",
    ChangeCode.ARGUMENT_TYPE_CHANGED: "Keep the old type, and add an argument with the new type.",
    ChangeCode.INPUT_FIELD_TYPE_CHANGED: "Keep the old type, and add an input field with the new type.",
}
_LEVEL_WORDS = {Level.ERROR: "failing", Level.WARNING: "warned", Level.INFO: "noted"}
_OTHERWISE = "Keep the old form until no client needs it."


def remedy_for(code: ChangeCode) -> str:
    """Return what to do instead of a change with this code, so that no client breaks."""
    return _ADVICE.get(code, _OTHERWISE)


def advice_for(finding: Finding) -> str:
    """Return what to do about a finding that makes the check fail."""
    otherwise = (
        f"Or approve {finding.change.id} in .router/approvals.yaml (change, reason, by, until)."
        if finding.approval is None
        else "Or decide again, and set a later day `until` for its approval."
    )
    return f"{remedy_for(finding.change.code)} {otherwise}"


def note_of(finding: Finding) -> str | None:
    """Return a note about the verdict, or None.

    The note says why the change does not make the check fail, or that the approval of the change has expired.
    """
    approval = finding.approval
    match finding.verdict:
        case Verdict.APPROVED if approval is not None:
            return f"approved by {approval.by} until {approval.until}: {approval.reason}"
        case Verdict.UNUSED if finding.broken:
            requests = sum(operation.usage.counts.requests for operation in finding.broken if operation.usage)
            return f"only {requests:,} requests break, fewer than the policy counts"
        case Verdict.UNUSED:
            return "no known operation breaks, so the check passes"
        case Verdict.FAILS if approval is not None:
            return f"the approval in {approval.place} ended on {approval.until}"
        case _:
            return None


def operations_of(finding: Finding) -> tuple[str, ...]:
    """Return the known operations that the change breaks, each with its place and its clients."""
    return tuple(operation.label for operation in finding.broken)


def lines_of(finding: Finding) -> list[str]:
    """Return all texts about a finding: what has changed, why it matters, the broken operations, and what to do."""
    change, note = finding.change, note_of(finding)
    lines = [change.message, change.reason, *(f"breaks {each}" for each in operations_of(finding))]
    if note is not None:
        lines.append(note)
    if finding.verdict is Verdict.FAILS:
        lines.append(advice_for(finding))
    return lines


def lines_of_step(finding: StepFinding) -> list[str]:
    """Return all texts about a finding of a step: what is wrong, the notes, and what to do."""
    return [finding.message, *finding.notes, finding.advice]


def summary_of(result: CheckResult) -> str:
    """Return the result in one sentence."""
    severities = [finding.change.severity for finding in result.findings]
    counts = ", ".join(f"{severities.count(each)} {each}" for each in Severity)
    known = ""
    if result.impact is not None:
        known = f"; known operations: {result.operation_count}, broken: {len(result.impact.broken)}"
    found = [finding.level for finding in result.step_findings]
    counted = ", ".join(f"{found.count(level)} {word}" for level, word in _LEVEL_WORDS.items())
    steps = f"; other steps: {counted}" if found else ""
    verdict = "passes" if result.passes else "fails"
    return f"The check {verdict}. Changes from {result.base} to {result.proposed}: {counts}{known}{steps}."
