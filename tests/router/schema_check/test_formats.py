"""Every format for one check with each verdict and with findings of other steps, as `expected` of the case has it.

`python -m tests.router.schema_check.test_formats` writes the files anew after a deliberate change; read the difference.

Covers `router/schema_check/rendering/github.py` and the other formats of `router/schema_check/rendering`.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.cli import command
from router.schema_check.rendering import FORMATS

CASE = Path("tests/cases/schema_check_formats").resolve()


def printed(form: str) -> str:
    """What the check of the case prints in a format, run in the folder of the case."""
    result = CliRunner().invoke(command, ["check", "--policy", "check.yaml", "--format", form], prog_name="router")
    assert result.exit_code == 1, result.output + str(result.exception)
    return result.stdout.replace(f'"version": "{version("mosafe")}"', '"version": "VERSION"')


@pytest.fixture(autouse=True)
def in_the_folder_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASE)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize("form", FORMATS)
def test_a_format(form: str) -> None:
    assert printed(form) == (CASE / f"expected/{form}").read_text(encoding="utf-8")


def test_gitlab_has_the_keys_that_its_documentation_requires() -> None:
    entries: list[dict[str, Any]] = json.loads(printed("gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    for entry in entries:
        assert {"description", "check_name", "fingerprint", "severity", "location"} == entry.keys()
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert re.fullmatch(r"[0-9a-f]{32,64}", entry["fingerprint"])
        assert (CASE / entry["location"]["path"]).is_file(), "the path is relative to the repository"
        assert entry["location"]["lines"]["begin"] >= 1


def test_junit_counts_its_cases() -> None:
    root = ET.fromstring(printed("junit"))  # noqa: S314 - our own
    for parent in (root, *root):
        cases = list(parent.iter("testcase"))
        assert int(parent.attrib["tests"]) == len(cases)
        assert int(parent.attrib["failures"]) == len(list(parent.iter("failure")))
    # Jenkins' schema for JUnit allows no other attributes of a test case.
    assert all(case.attrib.keys() == {"classname", "name", "time"} for case in root.iter("testcase"))
    removed = [failure.text or "" for failure in root.iter("failure") if failure.get("type") == "FIELD_REMOVED"]
    assert removed
    assert all(text.startswith("subgraphs/books.graphql:") for text in removed)
    assert all(case.get("classname") and case.get("name") and case.get("time") for case in root.iter("testcase"))


if __name__ == "__main__":
    os.chdir(CASE)
    os.environ["NO_COLOR"] = "1"
    for each in FORMATS:
        (CASE / f"expected/{each}").write_text(printed(each), encoding="utf-8")
