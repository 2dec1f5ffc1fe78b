"""For programs: `{"ok": …, "errors": […], "hints": […]}`, each with code, level, message and locations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.diagnostics import Diagnostic, Diagnostics


def render_json(diagnostics: Diagnostics) -> str:
    errors = [_finding(finding) for finding in diagnostics.findings if finding.level == "ERROR"]
    hints = [_finding(finding) for finding in diagnostics.findings if finding.level != "ERROR"]
    return json.dumps({"ok": not errors, "errors": errors, "hints": hints}, indent=2, ensure_ascii=False)


def _finding(finding: Diagnostic) -> dict[str, object]:
    return {
        "code": finding.code,
        "level": finding.level,
        "message": finding.message,
        "locations": [
            {"subgraph": each.subgraph, "line": each.line, "column": each.column} for each in finding.locations
        ],
    }
