"""Rules of the router, and rules of other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli import command
from router.schema_check.lint.find_rules import InvalidRule, all_rules
from router.schema_check.lint.rules import BUILT_IN_RULES
from servicekit.errors import StartupError
from tests.router.schema_check.lint.linting import composed, findings

if TYPE_CHECKING:
    from pathlib import Path

OWN = '''
"""A rule of our own."""
from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem, Rule
from router.schema_check.step_findings import Level


def check(schema):
    for element in schema.elements(ElementKind.FIELD):
        if "internal" in element.name:
            yield Problem(element, f"{element.coordinate} is internal.", "Hide it.")


NO_INTERNAL_NAMES = Rule("NO_INTERNAL_NAMES", Level.ERROR, check, "# NO_INTERNAL_NAMES\\n")
TWICE = Rule("FIELD_NAMES", Level.ERROR, check, "")
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which Python finds packages; write `entry_points.txt` there to install rules."""
    (tmp_path / "our_lint_rules.py").write_text(OWN)
    info = tmp_path / "our_lint_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-lint-rules\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    return info


def install(info: Path, target: str) -> None:
    (info / "entry_points.txt").write_text(f"[router_lint_rules]\nOURS = {target}\n")


def test_the_rules_of_the_router_are_known() -> None:
    assert list(all_rules().values()) == list(BUILT_IN_RULES)


def test_an_entry_point_adds_a_rule(installed: Path, tmp_path: Path) -> None:
    install(installed, "our_lint_rules:NO_INTERNAL_NAMES")
    rule = all_rules()["NO_INTERNAL_NAMES"]
    (tmp_path / "schema").mkdir()
    found = findings(composed(tmp_path / "schema", {"a": "type Query { internalId: ID }"}), (rule,))
    assert [(each.code, each.coordinate) for each in found] == [("NO_INTERNAL_NAMES", "Query.internalId")]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("our_lint_rules:MISSING", "cannot be imported"),
        ("no_such_module:X", "cannot be imported"),
        ("our_lint_rules:check", "is not a router.schema_check.lint.rule.Rule"),
        ("our_lint_rules:TWICE", "has the code FIELD_NAMES of another rule"),
    ],
)
def test_an_entry_point_that_names_no_rule_is_reported(installed: Path, target: str, reason: str) -> None:
    install(installed, target)
    with pytest.raises(InvalidRule, match=reason):
        all_rules()


@pytest.mark.parametrize("code", ["FIELD_NAMES", "field_names"])
def test_router_explain_prints_the_page_of_a_rule(code: str) -> None:
    assert CliRunner().invoke(command, ["explain", code]).output.startswith("# FIELD_NAMES\n")


def test_router_explain_lists_the_rules() -> None:
    output = CliRunner().invoke(command, ["explain"]).output
    line = next(line for line in output.splitlines() if line.startswith("FIELD_NAMES "))
    assert line.endswith("lint warning   The name of a field is not in camelCase.")


def test_router_explain_says_which_rule_cannot_be_used(installed: Path) -> None:
    install(installed, "our_lint_rules:MISSING")
    result = CliRunner().invoke(command, ["explain", "FIELD_NAMES"])
    assert isinstance(result.exception, StartupError)
