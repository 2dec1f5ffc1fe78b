"""Print the result in the format SARIF 2.1.0 (OASIS standard). Safe changes are left out."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from router.composition.rendering.sarif import physical_location
from router.schema_check.changes import Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import lines_of, lines_of_step
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

_LEVELS: Final = {Severity.BREAKING: "warning", Severity.DANGEROUS: "note"}
_STEP_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def render_sarif(result: CheckResult) -> str:
    """Return one SARIF log."""
    shown = [finding for finding in result.findings if finding.change.severity in _LEVELS]
    of_changes = [finding.change.code for finding in shown]
    codes = list(dict.fromkeys([*of_changes, *(finding.code for finding in result.step_findings)]))
    driver = {"name": "router check", "version": version("mosafe"), "rules": [{"id": code} for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(finding, codes.index(finding.change.code), result) for finding in shown),
            *(_step_result(finding, codes.index(finding.code), result) for finding in result.step_findings),
        ],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Finding, rule: int, result: CheckResult) -> dict[str, object]:
    change = finding.change
    fails = finding.verdict is Verdict.FAILS
    return {
        "ruleId": change.code,
        "ruleIndex": rule,
        "level": "error" if fails else _LEVELS[change.severity],
        "message": {"text": "\n".join(lines_of(finding))},
        "locations": [_location(finding.proposed_place, change.coordinate, result)],
        "partialFingerprints": {"changeId/v1": change.id},
    }


def _step_result(finding: StepFinding, rule: int, result: CheckResult) -> dict[str, object]:
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _STEP_LEVELS[finding.level],
        "message": {"text": "\n".join(lines_of_step(finding))},
        "locations": [_location(finding.place, finding.coordinate, result)],
        "partialFingerprints": {"findingId/v1": finding.id},
    }


def _location(place: FilePlace | None, coordinate: str, result: CheckResult) -> dict[str, object]:
    path, line, column = (place.path, place.line, place.column) if place else (result.proposed, 1, 1)
    location: dict[str, object] = {"physicalLocation": physical_location(path, line, column)}
    if coordinate:
        location["logicalLocations"] = [{"fullyQualifiedName": coordinate}]
    return location
