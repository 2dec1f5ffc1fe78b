"""Findings of other steps, in the result and in each format."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from router.composition.file_locations import FilePlace
from router.schema_check.judge_changes import CheckInput, CheckResult, check
from router.schema_check.rendering import FORMATS
from router.schema_check.schema_versions import read_version
from router.schema_check.step_findings import Level, StepFinding

SCHEMA = Path("router/schema_check/rendering/check_result.schema.json")


def finding(level: Level) -> StepFinding:
    return StepFinding(
        step="lint",
        code="FIELD_NAMES",
        level=level,
        message="The field Query.Old is not named in camelCase.",
        coordinate="Query.Old",
        place=FilePlace("a.graphql", 1, 14),
        advice="Rename it to `old`.",
        notes=("a note",),
    )


def result(tmp_path: Path, *findings: StepFinding) -> CheckResult:
    file = tmp_path / "a.graphql"
    file.write_text("type Query { Old: Int }")
    version = read_version(file, 1.0)
    return check(CheckInput(version, version, None, (), date(2026, 1, 1), step_findings=findings))


@pytest.mark.parametrize(("level", "passes"), [(Level.ERROR, False), (Level.WARNING, True), (Level.INFO, True)])
def test_only_an_error_makes_the_check_fail(tmp_path: Path, level: Level, passes: bool) -> None:  # noqa: FBT001
    assert result(tmp_path, finding(level)).passes is passes


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", Level)
def test_each_format_has_the_finding(tmp_path: Path, form: str, level: Level) -> None:
    printed = FORMATS[form](result(tmp_path, finding(level)))
    assert "FIELD_NAMES" in printed or form == "markdown"
    if form != "junit" or level is Level.ERROR:
        assert "camelCase" in printed
        assert "Rename it" in printed
    assert "a.graphql" in printed


def test_json_matches_its_schema(tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    printed = json.loads(FORMATS["json"](result(tmp_path, finding(Level.INFO))))
    Draft202012Validator(schema).validate(printed)
    assert printed["findings"][0]["id"] == "lint:FIELD_NAMES:Query.Old"
