"""Each lint rule finds what its case folder expects, and nothing else. Each page explains its rule by an example.

Covers `router/schema_check/lint/rules/argument_names.py`, `router/schema_check/lint/rules/connection_arguments.py`,
`router/schema_check/lint/rules/connections.py`, `router/schema_check/lint/rules/deprecation_date.py`,
`router/schema_check/lint/rules/deprecation_overdue.py`, `router/schema_check/lint/rules/deprecation_reason.py`,
`router/schema_check/lint/rules/descriptions.py`, `router/schema_check/lint/rules/directive_names.py`,
`router/schema_check/lint/rules/entity_without_key.py`, `router/schema_check/lint/rules/enum_value_names.py`,
`router/schema_check/lint/rules/field_names.py`, `router/schema_check/lint/rules/ids.py`,
`router/schema_check/lint/rules/input_field_names.py`, `router/schema_check/lint/rules/input_suffix.py`,
`router/schema_check/lint/rules/key_never_used.py`, `router/schema_check/lint/rules/mutation_inputs.py`,
`router/schema_check/lint/rules/mutation_payloads.py`, `router/schema_check/lint/rules/nullable_lists.py`,
`router/schema_check/lint/rules/override_finished.py`, `router/schema_check/lint/rules/root_field_verbs.py`,
`router/schema_check/lint/rules/root_type_in_field.py`, `router/schema_check/lint/rules/shareable_drift.py`,
`router/schema_check/lint/rules/type_name_affixes.py`, `router/schema_check/lint/rules/type_names.py`,
`router/schema_check/lint/rule.py`, `router/schema_check/lint/find_deprecated_elements.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from router.composition.explain import ADVICE, parse_page
from router.schema_check.lint.rules import BUILT_IN_RULES
from tests.router.schema_check.lint.linting import composed, findings, lines, only

CASES = Path("tests/cases/lint")
CODES = [rule.code for rule in BUILT_IN_RULES]


@pytest.mark.parametrize("code", CODES)
def test_a_rule_finds_what_its_case_expects(code: str, tmp_path: Path) -> None:
    folder = CASES / code
    subgraphs = {file.stem: file.read_text() for file in sorted((folder / "subgraphs").iterdir())}
    found = findings(composed(tmp_path, subgraphs), only(code))
    assert lines(found) == (folder / "expect.txt").read_text().splitlines()


@pytest.mark.parametrize("code", CODES)
def test_a_page_explains_its_rule_by_an_example_and_its_fix(code: str, tmp_path: Path) -> None:
    (rule,) = only(code)
    page = parse_page(code, rule.page)
    assert page.summary.endswith(".")
    assert ADVICE in rule.page
    example = composed(tmp_path, {each.name: each.sdl for each in page.schemas["Example"]})
    assert {finding.code for finding in findings(example, only(code))} == {code}
    fixed = composed(tmp_path, {each.name: each.sdl for each in page.schemas["Fixed"]})
    assert findings(fixed, only(code)) == ()


def test_every_rule_is_in_the_documentation() -> None:
    text = Path("docs/lint.md").read_text()
    assert [rule.code for rule in BUILT_IN_RULES if f"| `{rule.code}` | {rule.level} | " not in text] == []


def test_every_case_has_a_rule() -> None:
    assert sorted(folder.name for folder in CASES.iterdir()) == sorted(CODES)
