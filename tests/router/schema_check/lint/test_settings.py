"""Levels of rules: by rule, by path, by element."""

from __future__ import annotations

import pytest

from router.schema_check.lint.rules import BUILT_IN_RULES
from router.schema_check.lint.settings import InvalidLintSettings, parse_lint_settings
from router.schema_check.step_findings import Level
from tests.router.schema_check.lint.linting import only

CODES = [rule.code for rule in BUILT_IN_RULES]
(RULE,) = only("FIELD_NAMES")


def test_the_last_override_that_fits_decides() -> None:
    settings = parse_lint_settings(
        {
            "rules": {"FIELD_NAMES": "error"},
            "overrides": [
                {"paths": ["legacy/*"], "rules": {"FIELD_NAMES": "info"}},
                {"coordinates": ["Query.*"], "rules": {"FIELD_NAMES": False}},
            ],
        },
        CODES,
    )
    assert settings.level_of(RULE, "a.graphql", "A.b") is Level.ERROR
    assert settings.level_of(RULE, "legacy/a.graphql", "A.b") is Level.INFO
    assert settings.level_of(RULE, "legacy/a.graphql", "Query.b") is None
    assert settings.is_on(RULE)


def test_a_rule_keeps_its_level_unless_settings_choose_one() -> None:
    settings = parse_lint_settings({}, CODES)
    assert settings.level_of(RULE, "", "A.b") is RULE.level
    off = parse_lint_settings({"rules": {"FIELD_NAMES": "off"}}, CODES)
    assert not off.is_on(RULE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "lint must be a mapping"),
        ({"rule": {}}, "lint: unknown key rule; the keys are only_new, overrides, rules"),
        ({"rules": {"FIELD_NAME": "off"}}, "lint.rules: there is no rule FIELD_NAME; did you mean FIELD_NAMES?"),
        ({"rules": {"X": "off"}}, "lint.rules: there is no rule X; router check --explain lists all rules"),
        ({"rules": {"FIELD_NAMES": "fatal"}}, "lint.rules.FIELD_NAMES must be off, info, warning, error"),
        ({"rules": {"FIELD_NAMES": True}}, "lint.rules.FIELD_NAMES must be off, info, warning, error"),
        ({"overrides": {}}, "lint.overrides must be a list"),
        ({"overrides": [{"rules": {}}]}, "lint.overrides[0] needs paths or coordinates"),
        ({"overrides": [{"paths": "a"}]}, "lint.overrides[0].paths must be a list of texts"),
        ({"overrides": [{"coordinates": [1]}]}, "lint.overrides[0].coordinates must be a list of texts"),
        ({"only_new": "yes"}, "lint.only_new must be true or false"),
    ],
)
def test_a_mistake_is_named(value: object, message: str) -> None:
    with pytest.raises(InvalidLintSettings) as caught:
        parse_lint_settings(value, CODES)
    assert str(caught.value) == message
