"""Print the result as a Code Quality report of GitLab, which GitLab shows in a merge request."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from router.schema_check.changes import Severity
from router.schema_check.rendering.finding_texts import advice_for, note_of
from router.schema_check.result import Verdict

if TYPE_CHECKING:
    from router.schema_check.result import CheckResult, Finding

_SEVERITIES: Final = {Severity.BREAKING: "minor", Severity.DANGEROUS: "minor", Severity.SAFE: "info"}


def render_gitlab(result: CheckResult) -> str:
    """Return a list with one entry for each change. GitLab requires a file for each entry."""
    return json.dumps([_finding(finding, result) for finding in result.findings], indent=2, ensure_ascii=False)


def _finding(finding: Finding, result: CheckResult) -> dict[str, object]:
    change = finding.change
    fails = finding.verdict is Verdict.FAILS
    parts = [change.message, note_of(finding), advice_for(finding) if fails else change.reason]
    place = finding.proposed_place
    return {
        "description": " ".join(part for part in parts if part),
        "check_name": change.code,
        "fingerprint": hashlib.sha256(change.id.encode()).hexdigest(),
        "severity": "critical" if fails else _SEVERITIES[change.severity],
        "location": {"path": place.path if place else result.proposed, "lines": {"begin": place.line if place else 1}},
    }
