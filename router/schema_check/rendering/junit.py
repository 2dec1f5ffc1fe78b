"""Print the result as JUnit XML for CI servers: each change is a test case, which fails if the check fails."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from router.composition.rendering.junit import xml_text
from router.schema_check.rendering.finding_texts import lines_of, summary_of
from router.schema_check.result import Verdict

if TYPE_CHECKING:
    from router.schema_check.result import CheckResult, Finding


def render_junit(result: CheckResult) -> str:
    """Return an XML document with one test suite."""
    counts = {"tests": str(len(result.findings)), "failures": str(len(result.failures)), "errors": "0"}
    root = ET.Element("testsuites", {"name": "router", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "schema check", **counts, "skipped": "0", "time": "0"})
    for finding in result.findings:
        _case(suite, finding)
    ET.SubElement(suite, "system-out").text = xml_text(summary_of(result))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _case(suite: ET.Element, finding: Finding) -> None:
    change = finding.change
    attributes = {"classname": f"schema.{change.severity}", "name": xml_text(change.id), "time": "0"}
    if finding.proposed_place is not None:
        attributes |= {"file": xml_text(finding.proposed_place.path), "line": str(finding.proposed_place.line)}
    case = ET.SubElement(suite, "testcase", attributes)
    if finding.verdict is not Verdict.FAILS:
        return
    failure = ET.SubElement(case, "failure", {"type": change.code, "message": xml_text(change.message)})
    failure.text = xml_text("\n".join(lines_of(finding)))
