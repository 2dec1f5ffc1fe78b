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
    from collections.abc import Sequence

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
    case = _test_case(suite, f"schema.{change.severity}", change.id)
    if finding.verdict is Verdict.FAILS:
        _failure(case, change.code, change.message, lines_of(finding), finding.place)


def _step_case(suite: ET.Element, finding: StepFinding) -> None:
    case = _test_case(suite, f"{finding.step}.{finding.level}", finding.id)
    if finding.fails:
        _failure(case, finding.code, finding.message, lines_of_step(finding), finding.place)


def _failure(case: ET.Element, code: str, message: str, lines: Sequence[str], place: FilePlace | None) -> None:
    """Add a failure. Its text begins with the place, because the schema of Jenkins allows no attribute for a file."""
    failure = ET.SubElement(case, "failure", {"type": code, "message": xml_text(message)})
    failure.text = xml_text("\n".join([*((str(place),) if place else ()), *lines]))


def _test_case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    attributes = {"classname": classname, "name": xml_text(name), "time": "0"}
    return ET.SubElement(suite, "testcase", attributes)
