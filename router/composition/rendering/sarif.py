"""SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.diagnostics import Diagnostic, Diagnostics
    from router.composition.report import Location

_LEVELS = {"ERROR": "error", "WARN": "warning", "INFO": "note", "DEBUG": "note"}


def render_sarif(diagnostics: Diagnostics) -> str:
    rules = dict.fromkeys(finding.code for finding in diagnostics.findings)
    run = {
        "tool": {"driver": {"name": "router compose", "rules": [{"id": code} for code in rules]}},
        "results": [_result(finding, diagnostics) for finding in diagnostics.findings],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Diagnostic, diagnostics: Diagnostics) -> dict[str, object]:
    return {
        "ruleId": finding.code,
        "level": _LEVELS[finding.level],
        "message": {"text": finding.message},
        "locations": [_location(location, diagnostics) for location in finding.locations],
    }


def _location(location: Location, diagnostics: Diagnostics) -> dict[str, object]:
    uri = diagnostics.files.get(location.subgraph, f"subgraph:{location.subgraph}")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": location.line, "startColumn": location.column},
        }
    }
