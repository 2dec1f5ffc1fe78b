"""What lint makes of problems: levels, places, ids, and what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.lint.run_rules import LintInput, lint
from router.schema_check.lint.settings import LintSettings, Override
from router.schema_check.step_findings import Level
from tests.router.schema_check.lint.linting import TODAY, composed, findings, only

if TYPE_CHECKING:
    from pathlib import Path

RULE = only("FIELD_NAMES")


def test_a_finding_has_a_stable_id_and_its_place(tmp_path: Path) -> None:
    (found,) = findings(composed(tmp_path, {"books": "\ntype Query { Bad: Int }"}), RULE)
    assert found.id == "lint:FIELD_NAMES:Query.Bad:books"
    assert found.place is not None
    assert (found.place.line, found.place.column) == (2, 14)
    assert found.advice == "Name it bad."


def test_settings_choose_the_level_by_path(tmp_path: Path) -> None:
    version = composed(tmp_path, {"a": "type Query { Bad: Int }", "b": "type Query { Worse: Int }"})
    override = Override(("*/b.graphql",), (), {"FIELD_NAMES": Level.ERROR})
    found = findings(version, RULE, LintSettings({"FIELD_NAMES": Level.INFO}, (override,)))
    assert [(each.coordinate, each.level) for each in found] == [
        ("Query.Bad", Level.INFO),
        ("Query.Worse", Level.ERROR),
    ]
    assert findings(version, RULE, LintSettings({"FIELD_NAMES": None})) == ()


def test_only_new_problems_keep_their_level(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    base = composed(tmp_path / "base", {"a": "type Query { Bad: Int }"})
    proposed = composed(tmp_path, {"a": "type Query { fine: Int Bad: Int Worse: Int }"})
    given = LintInput(RULE, LintSettings({"FIELD_NAMES": Level.ERROR}, (), only_new=True), TODAY)
    found = lint(proposed, base, given)
    assert [(each.coordinate, each.level) for each in found] == [
        ("Query.Bad", Level.INFO),
        ("Query.Worse", Level.ERROR),
    ]
    assert found[0].notes == (f"not new: {base.label} has it too",)
