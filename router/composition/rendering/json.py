"""Print findings as JSON for programs: `{"ok", "supergraph", "errors", "hints"}`.

Each error and hint has `code`, `level`, `message`, `advice` (or null) and `locations`. Each location has `subgraph`,
the `line` and `column` in that subgraph's schema, and `file`. The value of `file` is `{"path", "line", "column"}`, or
null if no file contains the schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics
    from router.composition.report import Location


def render_json(diagnostics: Diagnostics) -> str:
    """Return one JSON object."""
    found = [(finding.level == "ERROR", _finding(finding, diagnostics)) for finding in diagnostics.findings]
    report = {
        "ok": diagnostics.supergraph_sdl is not None,
        "supergraph": diagnostics.supergraph_sdl,
        "errors": [finding for is_error, finding in found if is_error],
        "hints": [finding for is_error, finding in found if not is_error],
    }
    return json.dumps(report, indent=2, ensure_ascii=False)


def _finding(finding: Diagnostic, diagnostics: Diagnostics) -> dict[str, object]:
    return {
        "code": finding.code,
        "level": finding.level,
        "message": finding.message,
        "advice": finding.advice,
        "locations": [_location(location, diagnostics) for location in finding.locations],
    }


def _location(location: Location, diagnostics: Diagnostics) -> dict[str, object]:
    place = diagnostics.place(location)
    file = {"path": place.path, "line": place.line, "column": place.column} if place else None
    return {"subgraph": location.subgraph, "line": location.line, "column": location.column, "file": file}
