"""Comments that opt out of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.router.schema_check.lint.linting import composed, findings, lines, only

if TYPE_CHECKING:
    from pathlib import Path

RULE = only("FIELD_NAMES")


def found(tmp_path: Path, sdl: str) -> list[str]:
    return [line.rpartition("] ")[0] + "]" for line in lines(findings(composed(tmp_path, {"a": sdl}), RULE))]


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query {\n  # lint-ignore FIELD_NAMES: a standard\n  Bad: Int\n}",
        "type Query {\n  Bad: Int # lint-ignore FIELD_NAMES: a standard\n}",
        "# lint-ignore FIELD_NAMES: a standard\ntype Query { Bad: Int Worse: Int }",
        '# lint-ignore FIELD_NAMES: a standard\n"described"\ntype Query { Bad: Int }',
        '"described"\n# lint-ignore FIELD_NAMES: a standard\ntype Query { Bad: Int }',
        "# lint-ignore TYPE_NAMES, FIELD_NAMES: a standard\ntype Query { Bad: Int }",
        "# other\n# lint-ignore FIELD_NAMES: a standard\n# other\ntype Query { Bad: Int }",
        "type Query { a: T }\ntype T { Bad: Int }\n# lint-ignore-file FIELD_NAMES: a standard\n",
    ],
)
def test_a_comment_with_a_reason_counts_for_its_element_and_everything_in_it(tmp_path: Path, sdl: str) -> None:
    assert found(tmp_path, sdl) == []


@pytest.mark.parametrize(
    "comment", ["lint-ignore FIELD_NAMES", "lint-ignore FIELD_NAMES:", "lint-ignore", "lint-ignore : x"]
)
def test_a_comment_without_a_reason_does_not_count(tmp_path: Path, comment: str) -> None:
    assert found(tmp_path, f"# {comment}\ntype Query {{ Bad: Int }}") == [
        "a.graphql:1:1 error[OPT_OUT_WITHOUT_REASON]",
        "a.graphql:2:14 warning[FIELD_NAMES]",
    ]


def test_a_comment_behind_one_field_does_not_count_for_the_next(tmp_path: Path) -> None:
    sdl = "type Query {\n  Bad: Int # lint-ignore FIELD_NAMES: a standard\n  Worse: Int\n}"
    assert found(tmp_path, sdl) == ["a.graphql:3:3 warning[FIELD_NAMES]"]


def test_a_comment_that_nothing_needs_is_reported(tmp_path: Path) -> None:
    assert found(tmp_path, "# lint-ignore FIELD_NAMES: a standard\ntype Query { good: Int }") == [
        "a.graphql:1:1 warning[OPT_OUT_UNUSED]"
    ]


def test_a_comment_for_a_rule_that_is_off_is_not_reported(tmp_path: Path) -> None:
    assert found(tmp_path, "# lint-ignore TYPE_NAMES: a standard\ntype Query { good: Int }") == []
