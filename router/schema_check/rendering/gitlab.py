"""Print the result as a Code Quality report of GitLab, which GitLab shows in a merge request."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from router.schema_check.changes import Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import advice_for, note_of
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

_SEVERITIES: Final = {Severity.BREAKING: "minor", Severity.DANGEROUS: "minor", Severity.SAFE: "info"}
_STEP_SEVERITIES: Final = {Level.ERROR: "critical", Level.WARNING: "minor", Level.INFO: "info"}


def render_gitlab(result: CheckResult) -> str:
    """Return a JSON list with one entry for each finding.

    GitLab requires a path in each entry. If a finding has no place, the path is the name of the proposed version.
    """
    entries = [_finding(finding, result) for finding in result.findings]
    entries += [_step_finding(finding, result) for finding in result.step_findings]
    return json.dumps(entries, indent=2, ensure_ascii=False)


def _finding(finding: Finding, result: CheckResult) -> dict[str, object]:
    change = finding.change
    fails = finding.verdict is Verdict.FAILS
    parts = [change.message, note_of(finding), advice_for(finding) if fails else change.reason]
    return {
        "description": " ".join(part for part in parts if part),
        "check_name": change.code,
        "fingerprint": hashlib.sha256(change.id.encode()).hexdigest(),
        "severity": "critical" if fails else _SEVERITIES[change.severity],
        "location": _location(finding.proposed_place, result),
    }


def _step_finding(finding: StepFinding, result: CheckResult) -> dict[str, object]:
    return {
        "description": f"{finding.message} {finding.advice}",
        "check_name": finding.code,
        "fingerprint": hashlib.sha256(finding.id.encode()).hexdigest(),
        "severity": _STEP_SEVERITIES[finding.level],
        "location": _location(finding.place, result),
    }


def _location(place: FilePlace | None, result: CheckResult) -> dict[str, object]:
    return {"path": place.path if place else result.proposed, "lines": {"begin": place.line if place else 1}}
