"""Print findings as JUnit XML for CI servers.

Each error is a failed test case. Each subgraph without errors is a passed test case. Hints are not test cases, but text
in the element `system-out` of the test suite.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics

_SUITE = "composition"
_CHARS = (("\t", "\n"), ("\r", "\r"), (" ", "\ud7ff"), ("\ue000", "\ufffd"), ("\U00010000", "\U0010ffff"))


def render_junit(diagnostics: Diagnostics) -> str:
    """Return an XML document with one test suite."""
    errors = [finding for finding in diagnostics.findings if finding.level == "ERROR"]
    hints = [finding for finding in diagnostics.findings if finding.level != "ERROR"]
    failed = {location.subgraph for error in errors for location in error.locations}
    passed = [name for name in diagnostics.sources if name not in failed]
    counts = {"tests": str(len(errors) + len(passed)), "failures": str(len(errors)), "errors": "0"}
    root = ET.Element("testsuites", {"name": "router", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _SUITE, **counts, "skipped": "0", "time": "0"})
    for error in errors:
        _failure(suite, error, diagnostics)
    for name in passed:
        ET.SubElement(suite, "testcase", _attributes(name, "composes"))
    if hints:
        ET.SubElement(suite, "system-out").text = xml_text("\n".join(map(_line, hints)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _failure(suite: ET.Element, error: Diagnostic, diagnostics: Diagnostics) -> None:
    first = error.locations[0] if error.locations else None
    place = diagnostics.place(first) if first else None
    name = f"{error.code} {first.line}:{first.column}" if first else error.code
    attributes = _attributes(first.subgraph if first else "supergraph", name)
    if place is not None:
        attributes |= {"file": xml_text(place.path), "line": str(place.line)}
    case = ET.SubElement(suite, "testcase", attributes)
    failure = ET.SubElement(case, "failure", {"type": error.code, "message": xml_text(error.message)})
    places = (str(diagnostics.place(location) or location) for location in error.locations)
    failure.text = xml_text("\n".join([error.message, *(f"at {each}" for each in places), error.advice or ""]).rstrip())


def _attributes(subgraph: str, name: str) -> dict[str, str]:
    return {"classname": xml_text(f"{_SUITE}.{subgraph}"), "name": name, "time": "0"}


def _line(finding: Diagnostic) -> str:
    return " ".join([*map(str, finding.locations[:1]), f"{finding.level} {finding.code}: {finding.message}"])


def xml_text(text: str) -> str:
    """Return the text without the characters that XML 1.0 forbids (production `Char`)."""
    return "".join(character for character in text if any(first <= character <= last for first, last in _CHARS))
