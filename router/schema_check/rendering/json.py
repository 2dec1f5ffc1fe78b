"""Print the result as JSON for programs.

The JSON Schema of the result is `check_result.schema.json` beside this file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from router.schema_check.judge_changes import Verdict

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace
    from router.schema_check.approvals import Approval
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.operations.known_operations import KnownOperation
    from router.schema_check.step_findings import StepFinding
    from router.usage.usage_data import OperationUsage

VERSION: Final = 1


def render_json(result: CheckResult) -> str:
    """Return one JSON object."""
    impact = result.impact
    document = {
        "version": VERSION,
        "passes": result.passes,
        "base": result.base,
        "proposed": result.proposed,
        "changes": [_finding(finding) for finding in result.findings],
        "findings": [_step_finding(finding) for finding in result.step_findings],
        "operations": None
        if impact is None
        else {
            "known": result.operation_count,
            "broken": [
                {
                    **_operation(each.operation),
                    "messages": list(each.messages),
                    "changes": [change.id for change in each.changes],
                }
                for each in impact.broken
            ],
            "invalidBefore": [_operation(operation) for operation in impact.invalid_before],
        },
        "unusedApprovals": [_approval(approval) for approval in result.unused_approvals],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _finding(finding: Finding) -> dict[str, object]:
    change = finding.change
    approved = finding.approval if finding.verdict is Verdict.APPROVED else None
    return {
        "id": change.id,
        "code": change.code,
        "coordinate": change.coordinate,
        "severity": change.severity,
        "verdict": finding.verdict,
        "message": change.message,
        "reason": change.reason,
        "basePlace": _place(finding.base_place),
        "proposedPlace": _place(finding.proposed_place),
        "affectedOperations": [_operation(operation) for operation in finding.affected],
        "brokenOperations": [_operation(operation) for operation in finding.broken],
        "approval": None if approved is None else _approval(approved),
    }


def _step_finding(finding: StepFinding) -> dict[str, object]:
    return {
        "id": finding.id,
        "step": finding.step,
        "code": finding.code,
        "level": finding.level,
        "coordinate": finding.coordinate,
        "message": finding.message,
        "notes": list(finding.notes),
        "advice": finding.advice,
        "place": _place(finding.place),
    }


def _place(place: FilePlace | None) -> dict[str, object] | None:
    return None if place is None else {"path": place.path, "line": place.line, "column": place.column}


def _operation(operation: KnownOperation) -> dict[str, object]:
    return {"name": operation.name, "place": operation.place, "usage": _usage(operation.usage)}


def _usage(usage: OperationUsage | None) -> dict[str, object] | None:
    if usage is None:
        return None
    return {
        "hash": usage.hash,
        "requests": usage.counts.requests,
        "clients": [
            {"name": each.client.name, "version": each.client.version, "requests": each.requests}
            for each in usage.clients
        ],
    }


def _approval(approval: Approval) -> dict[str, object]:
    return {
        "change": approval.change,
        "reason": approval.reason,
        "by": approval.by,
        "until": approval.until.isoformat(),
        "place": approval.place,
    }
