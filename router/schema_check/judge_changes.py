"""Compares two versions of a schema, and gives each change a verdict: whether it makes the check fail (`check`).

The classes of the input and the result of a check are here too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.compare_schemas import compare_schemas
from router.schema_check.find_lines_of_elements import CoordinatePlaces
from router.schema_check.impact_by_usage_window import find_usage_impact
from router.schema_check.impact_on_known_operations import Impact, find_impact
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from router.composition.file_locations import FilePlace
    from router.schema_check.approvals import Approval
    from router.schema_check.operations.known_operations import KnownOperation
    from router.schema_check.operations_from_usage_store import UsageSource
    from router.schema_check.schema_versions import SchemaVersion
    from router.schema_check.step_findings import StepFinding


class Verdict(StrEnum):
    """Whether a change makes the check fail, and if not, why.

    Members:
        FAILS: The check fails because of this change.
        APPROVED: The change would make the check fail, but a valid approval allows the change.
        UNUSED: The change would make the check fail, but the change breaks no known operation.
        PASSES: The change has a severity that does not make the check fail.
    """

    FAILS = "fails"
    APPROVED = "approved"
    UNUSED = "unused"
    PASSES = "passes"


# The values of `fail_on`, each with the severities that make a check fail.
FAIL_ON: Final[Mapping[str, frozenset[Severity]]] = {
    "breaking": frozenset((Severity.BREAKING,)),
    "dangerous": frozenset((Severity.BREAKING, Severity.DANGEROUS)),
}


@dataclass(frozen=True, slots=True)
class CheckInput:
    """What a check compares.

    Attributes:
        base: The version that clients know.
        proposed: The new version.
        operations: The known operations. None if they are not known; then every breaking change makes the check fail.
        approvals: The approvals of changes.
        today: The day on which the check runs. It decides which approvals have expired.
        fail_on: A key of `FAIL_ON`.
        step_findings: What other steps have found, such as the lint rules.
        severities: Maps the code of a change to the severity that the team's policy gives it.
        compares: Whether the schemas are compared. If not, the result has only the findings of the other steps.
        usage: The usage store, which has the operations that clients have sent. None without a store.
    """

    base: SchemaVersion
    proposed: SchemaVersion
    operations: Sequence[KnownOperation] | None
    approvals: Sequence[Approval]
    today: date
    fail_on: str = "breaking"
    step_findings: Sequence[StepFinding] = ()
    severities: Mapping[ChangeCode, Severity] = field(default_factory=dict)
    compares: bool = True
    usage: UsageSource | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A change and its verdict.

    Attributes:
        change: The change.
        verdict: What the check decides.
        base_place: The place of the element in the base version. If the element is not declared there, the place of
            the enclosing field or type.
        proposed_place: The same for the proposed version.
        affected: The known operations that use the element.
        broken: The known operations that the change breaks.
        approval: The approval of this change, even if the approval has expired.
    """

    change: Change
    verdict: Verdict
    base_place: FilePlace | None
    proposed_place: FilePlace | None
    affected: tuple[KnownOperation, ...]
    broken: tuple[KnownOperation, ...]
    approval: Approval | None

    @property
    def place(self) -> FilePlace | None:
        """The place to show first: `proposed_place` if there is one, otherwise `base_place`."""
        return self.proposed_place or self.base_place


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a schema check.

    Attributes:
        base: The name of the base version.
        proposed: The name of the proposed version.
        findings: All changes with their verdicts; breaking changes come first.
        impact: What the changes do to the known operations; None if the operations are not known.
        operation_count: How many operations are known.
        unused_approvals: Approvals of changes that are not among the findings.
        step_findings: What other steps have found, in the order of the steps.
    """

    base: str
    proposed: str
    findings: tuple[Finding, ...]
    impact: Impact | None
    operation_count: int
    unused_approvals: tuple[Approval, ...]
    step_findings: tuple[StepFinding, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the proposed version may be released."""
        return not self.failures and not any(finding.fails for finding in self.step_findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The changes that make the check fail, with their verdicts."""
        return tuple(finding for finding in self.findings if finding.verdict is Verdict.FAILS)


def check(given: CheckInput) -> CheckResult:
    """Compare two versions of a schema, and judge every change."""
    changes = _changes(given) if given.compares else ()
    impact = _impact(given, changes)
    coordinates = {change.coordinate for change in changes}
    base_places = CoordinatePlaces.of(given.base.texts, coordinates)
    proposed_places = CoordinatePlaces.of(given.proposed.texts, coordinates)
    approvals = {approval.change: approval for approval in given.approvals}
    findings = []
    for change in changes:
        approval = approvals.get(change.id)
        broken = _broken(impact, change)
        findings.append(
            Finding(
                change=change,
                verdict=_verdict(
                    given,
                    change,
                    approval,
                    is_known=impact is not None,
                    is_broken=_is_broken(given, change, impact, broken),
                ),
                base_place=base_places.find(change.coordinate),
                proposed_place=proposed_places.find(change.coordinate),
                affected=impact.affected.get(change, ()) if impact else (),
                broken=broken,
                approval=approval,
            )
        )
    found = {change.id for change in changes}
    result = CheckResult(
        base=given.base.label,
        proposed=given.proposed.label,
        findings=tuple(findings),
        impact=impact,
        operation_count=len(given.operations or ()) + (given.usage.operation_count if given.usage else 0),
        unused_approvals=tuple(approval for approval in given.approvals if approval.change not in found),
    )
    return with_step_findings(result, given, given.step_findings)


def with_step_findings(result: CheckResult, given: CheckInput, more: Sequence[StepFinding]) -> CheckResult:
    """Return the result with more findings of steps. A finding can be approved, just as a change can."""
    approvals = {approval.change: approval for approval in given.approvals}
    judged = tuple(_judged(finding, approvals, given.today) for finding in more)
    ids = {finding.id for finding in judged}
    unused = tuple(approval for approval in result.unused_approvals if approval.change not in ids)
    return replace(result, step_findings=(*result.step_findings, *judged), unused_approvals=unused)


def _changes(given: CheckInput) -> Sequence[Change]:
    names = {**given.base.directive_names, **given.proposed.directive_names}
    found = compare_schemas(given.base.schema, given.proposed.schema, names)
    changed = [
        replace(change, severity=given.severities[change.code], reason="The policy gives this severity to the code.")
        if change.code in given.severities
        else change
        for change in found
    ]
    return sorted(changed, key=lambda change: list(Severity).index(change.severity))


def _judged(finding: StepFinding, approvals: Mapping[str, Approval], today: date) -> StepFinding:
    """Return the finding of a step. If a valid approval allows the finding, its level becomes INFO."""
    if not finding.fails:
        return finding
    approval = approvals.get(finding.id)
    if approval is not None and not approval.has_expired(today):
        note = f"approved by {approval.by} until {approval.until}: {approval.reason}"
        return replace(finding, level=Level.INFO, notes=(*finding.notes, note))
    if approval is None:
        return replace(
            finding,
            advice=f"{finding.advice} Or approve {finding.id} in .router/approvals.yaml (change, reason, by, until).",
        )
    note = f"the approval in {approval.place} ended on {approval.until}"
    advice = f"{finding.advice} Or decide again, and set a later day `until` for its approval."
    return replace(finding, notes=(*finding.notes, note), advice=advice)


def _broken(impact: Impact | None, change: Change) -> tuple[KnownOperation, ...]:
    return tuple(each.operation for each in impact.broken if change in each.changes) if impact else ()


def _impact(given: CheckInput, changes: Sequence[Change]) -> Impact | None:
    """Return what the changes do to the known operations; None if the operations are not known."""
    old, new = given.base.schema, given.proposed.schema
    if given.usage is not None:
        return find_usage_impact(old, new, changes, given.operations or (), given.usage)
    return None if given.operations is None else find_impact(old, new, changes, given.operations)


def _is_broken(given: CheckInput, change: Change, impact: Impact | None, broken: Sequence[KnownOperation]) -> bool:
    if impact is None:
        return True
    requests = [operation.usage.counts.requests for operation in broken if operation.usage is not None]
    if given.usage is None or not broken or len(requests) < len(broken):
        return bool(broken)
    return given.usage.counted_for(change.code).suffices(sum(requests))


def _verdict(
    given: CheckInput, change: Change, approval: Approval | None, *, is_known: bool, is_broken: bool
) -> Verdict:
    # Even with a severity that is allowed, a change makes the check fail if it breaks a known operation.
    breaks_known = is_known and is_broken
    if change.severity not in FAIL_ON[given.fail_on] and not breaks_known:
        return Verdict.PASSES
    if approval is not None and not approval.has_expired(given.today):
        return Verdict.APPROVED
    return Verdict.FAILS if is_broken else Verdict.UNUSED
