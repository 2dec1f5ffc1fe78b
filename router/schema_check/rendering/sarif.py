"""Print the result in the format SARIF 2.1.0 (OASIS standard). Safe changes are left out."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from router.composition.rendering.sarif import physical_location
from router.schema_check.changes import Severity
from router.schema_check.rendering.finding_texts import lines_of
from router.schema_check.result import Verdict

if TYPE_CHECKING:
    from router.schema_check.result import CheckResult, Finding

_LEVELS: Final = {Severity.BREAKING: "warning", Severity.DANGEROUS: "note"}


def render_sarif(result: CheckResult) -> str:
    """Return one SARIF log."""
    shown = [finding for finding in result.findings if finding.change.severity in _LEVELS]
    codes = list(dict.fromkeys(finding.change.code for finding in shown))
    driver = {"name": "router check", "version": version("mosafe"), "rules": [{"id": code} for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.change.code), result) for finding in shown],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Finding, rule: int, result: CheckResult) -> dict[str, object]:
    change = finding.change
    fails = finding.verdict is Verdict.FAILS
    place = finding.proposed_place
    path, line, column = (place.path, place.line, place.column) if place else (result.proposed, 1, 1)
    return {
        "ruleId": change.code,
        "ruleIndex": rule,
        "level": "error" if fails else _LEVELS[change.severity],
        "message": {"text": "\n".join(lines_of(finding))},
        "locations": [
            {
                "physicalLocation": physical_location(path, line, column),
                "logicalLocations": [{"fullyQualifiedName": change.coordinate}],
            }
        ],
        "partialFingerprints": {"changeId/v1": change.id},
    }
