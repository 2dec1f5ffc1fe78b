"""Reads `.router/check.yaml`.

Covers `router/schema_check/policy/check_settings.py` and `router/schema_check/policy/starter_check_file.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from ruamel.yaml import YAML

from router.schema_check.changes import ChangeCode, Severity
from router.schema_check.policy.check_settings import CheckSettings
from router.schema_check.policy.read_check_file import InvalidCheckFile, read_check_file
from router.schema_check.policy.starter_check_file import check_file_schema, starter_check_file

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
registry: ../schemas
base: origin/main
subgraphs:
  books: {file: books.graphql, routing_url: http://books.example/}
operations: [web/src]
severities: {ENUM_VALUE_ADDED: safe}
steps: {plan_cost: false}
contracts:
  public: {include: [public]}
plan_cost: {more_fetches: 1}
usage: {store: usage.sqlite}
"""


def read(tmp_path: Path, text: str) -> CheckSettings:
    path = tmp_path / ".router/check.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_check_file(path)


def test_paths_are_relative_to_the_folder_above(tmp_path: Path) -> None:
    found = read(tmp_path, FULL)
    assert found.operations == (tmp_path / "web/src",)
    assert found.subgraphs["books"].file == tmp_path / "books.graphql"
    assert found.registry == str(tmp_path / "../schemas")
    assert found.usage is not None
    assert found.usage.store == str(tmp_path / "usage.sqlite")
    assert found.severities == {ChangeCode.ENUM_VALUE_ADDED: Severity.SAFE}
    assert not found.steps.plan_cost
    assert found.steps.diff


@pytest.mark.parametrize("location", ["https://schemas.example/x", "git+ssh://git@example/x.git#main:r"])
def test_a_registry_elsewhere_is_no_path(tmp_path: Path, location: str) -> None:
    assert read(tmp_path, f"registry: {location}").registry == location


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("base: origin/main\noperation: [x]", "2: operation: unknown key, did you mean operations?"),
        ("steps:\n  plan: false", "2: steps.plan: unknown key, did you mean plan_cost?"),
        ("contracts:\n  a:\n    includes: [x]", "3: contracts.a.includes: unknown key, did you mean include?"),
        ("contracts:\n  a: {}", "2: contracts.a: a contract needs `include`, `exclude` or `hide_unreachable`"),
        ("contracts:\n  a: {include: [x], exclude: [x]}", "a tag cannot be both included and excluded: x"),
        ("fail_on: safe", "1: fail_on: one of 'breaking' or 'dangerous' is expected"),
        ("severities: {FIELD_GONE: safe}", "1: severities.FIELD_GONE: one of"),
        ("plan_cost:\n  more_fetches: -1", "2: plan_cost.more_fetches: a number of at least 0 is expected"),
        ("subgraphs: {a: {file: x}}", "1: `subgraphs` needs a `registry`"),
        ("registry: r\nproposed: p\nsubgraphs: {a: {file: x}}", "cannot stand beside `subgraphs`"),
        ("base: [", "not YAML: "),
        ("- a", "1: a configuration is a mapping of keys to values"),
    ],
)
def test_a_problem_has_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidCheckFile, match=re.escape(problem)):
        read(tmp_path, text)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckFile) as caught:
        read(tmp_path, "a: 1\nb: 2")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(("name", "content"), [("missing.yaml", None), ("bytes.yaml", b"\xff")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidCheckFile, match=name):
        read_check_file(tmp_path / name)


def test_the_starter_file_is_valid_as_it_is_and_with_every_comment_switched_on(tmp_path: Path) -> None:
    text = starter_check_file("supergraph.yaml", "origin/main")
    assert read(tmp_path, text).base == "origin/main"
    every = re.sub(r"^# (?=[ a-z_]+:|  )", "", text, flags=re.MULTILINE).replace("proposed:", "# proposed:")
    every = "\n".join(line for line in every.splitlines() if not re.match(r"[A-Z#]", line))
    assert set(YAML(typ="safe").load(every)) == {*CheckSettings.model_fields} - {
        "proposed",
        "approvals",
    }
    Draft202012Validator(check_file_schema()).validate(YAML(typ="safe").load(every))
    read(tmp_path, every)


def test_the_json_schema_refuses_what_the_reader_refuses() -> None:
    schema = check_file_schema()
    Draft202012Validator.check_schema(schema)
    documents: list[dict[str, object]] = [
        {"operation": []},
        {"fail_on": "safe"},
        {"steps": {"plan": False}},
        {"severities": {"X": "safe"}},
    ]
    assert not any(map(Draft202012Validator(schema).is_valid, documents))
