"""JUnit XML: one test case a subgraph, failed by the errors that point into it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from router.composition.rendering.diagnostics import Diagnostic, Diagnostics


def render_junit(diagnostics: Diagnostics) -> str:
    cases: dict[str, list[Diagnostic]] = {name: [] for name in diagnostics.sources}
    for finding in diagnostics.findings:
        if finding.level == "ERROR":
            names = dict.fromkeys(location.subgraph for location in finding.locations) or {"supergraph": None}
            for name in names:
                cases.setdefault(name, []).append(finding)
    failures = sum(1 for found in cases.values() if found)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="composition" tests="{len(cases)}" failures="{failures}">',
        *(line for name, found in cases.items() for line in _case(name, found)),
        "</testsuite>",
    ]
    return "\n".join(lines)


def _case(name: str, found: list[Diagnostic]) -> list[str]:
    head = f"  <testcase classname={quoteattr('composition')} name={quoteattr(name)}"
    if not found:
        return [f"{head}/>"]
    failures = []
    for each in found:
        places = ", ".join(map(str, each.locations))
        text = f"{places}: {each.message}" if places else each.message
        failures.append(f"    <failure type={quoteattr(each.code)}>{escape(text)}</failure>")
    return [f"{head}>", *failures, "  </testcase>"]
