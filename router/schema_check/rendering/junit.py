"""Print the result as JUnit XML for CI servers.

Each change, and each finding of another step, is a test case. The test case fails if the change or finding makes the
check fail.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from router.composition.rendering.junit import xml_text
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import lines_of, lines_of_step, summary_of

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace
    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding


def render_junit(result: CheckResult) -> str:
    """Return an XML document with one test suite."""
    failures = len(result.failures) + sum(finding.fails for finding in result.step_findings)
    tests = len(result.findings) + len(result.step_findings)
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0"}
    root = ET.Element("testsuites", {"name": "router", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "schema check", **counts, "skipped": "0", "time": "0"})
    for finding in result.findings:
        _case(suite, finding)
    for step_finding in result.step_findings:
        _step_case(suite, step_finding)
    ET.SubElement(suite, "system-out").text = xml_text(summary_of(result))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _case(suite: ET.Element, finding: Finding) -> None:
    change = finding.change
    case = _test_case(suite, f"schema.{change.severity}", change.id, finding.proposed_place)
    if finding.verdict is Verdict.FAILS:
        failure = ET.SubElement(case, "failure", {"type": change.code, "message": xml_text(change.message)})
        failure.text = xml_text("\n".join(lines_of(finding)))


def _step_case(suite: ET.Element, finding: StepFinding) -> None:
    case = _test_case(suite, f"{finding.step}.{finding.level}", finding.id, finding.place)
    if finding.fails:
        failure = ET.SubElement(case, "failure", {"type": finding.code, "message": xml_text(finding.message)})
        failure.text = xml_text("\n".join(lines_of_step(finding)))


def _test_case(suite: ET.Element, classname: str, name: str, place: FilePlace | None) -> ET.Element:
    attributes = {"classname": classname, "name": xml_text(name), "time": "0"}
    if place is not None:
        attributes |= {"file": xml_text(place.path), "line": str(place.line)}
    return ET.SubElement(suite, "testcase", attributes)
