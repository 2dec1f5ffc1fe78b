"""`router check --usage` and `router check --lint` as a user runs them.

Covers `router/schema_check/impact_by_usage_window.py`.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from graphql import print_schema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from router.cli import command
from router.schema_check.rendering import FORMATS
from router.usage.usage_data import MINUTE, Client, hash_of
from servicekit.errors import StartupError
from tests.router.usage.recording import SCHEMA, batch, opened, operation

if TYPE_CHECKING:
    from click.testing import Result

OUTPUT_SCHEMA = Path("router/schema_check/rendering/check_result.schema.json").resolve()
OLD = print_schema(SCHEMA)
BOOK = operation("query Book($f: Filter) {\n  book(filter: $f) {\n    title\n  }\n}", "Book")
BOOKS = operation("{\n  books {\n    id\n  }\n}")
WEB, IOS = Client("web", "1.2"), Client("ios", "3")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the schema that clients know, and a store with 1,000 requests for `Book` and 2 for `books`."""

    async def write() -> None:
        async with opened(str(tmp_path / "usage.sqlite")) as store:
            sent = batch(int(time.time()) // MINUTE, (BOOK, WEB, 900), (BOOK, IOS, 100), (BOOKS, IOS, 2))
            sent.in_variables[BOOK.id] = {"Filter", "Filter.genre", "Genre", "Genre.POEM"}
            await store.write(sent, 100)

    asyncio.run(write())
    (tmp_path / "old.graphql").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def check(folder: Path, old: str, new: str, *options: str) -> Result:
    """Check a change of the schema: `old` is replaced by `new`."""
    assert old in OLD
    (folder / "new.graphql").write_text(OLD.replace(old, new))
    arguments = ["check", "new.graphql", "--base", "old.graphql", *options]
    return CliRunner().invoke(command, arguments, prog_name="router")


def with_usage(folder: Path, old: str, new: str, *options: str) -> Result:
    return check(folder, old, new, "--usage", "usage.sqlite", *options)


def test_a_breaking_change_that_clients_use_names_operations_clients_and_counts(folder: Path) -> None:
    result = with_usage(folder, "  title: String\n", "")
    assert result.exit_code == 1
    assert f"breaks: Book (usage/{hash_of(BOOK.id)}, 1,000 requests: web 1.2: 900, ios 3: 100)" in result.output
    assert result.output.endswith("known operations: 2, broken: 1.\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  author: Author\n", ""),
        ("  OTHER\n", ""),
        ("  text: String\n", ""),
        ("nested: Filter", "nested: Author2"),
        ("  name: String\n", "  other: String\n"),
    ],
)
def test_a_breaking_change_that_nobody_uses_is_safe_and_says_so(folder: Path, old: str, new: str) -> None:
    if "Author2" in new:
        new = "nested: String"
    assert check(folder, old, new).exit_code == 1
    result = with_usage(folder, old, new)
    assert result.exit_code == 0, result.output
    assert "note: no known operation breaks" in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  POEM\n", ""),
        ("  genre: Genre\n  nested", "  nested"),
        ("  text: String\n", "  text: String!\n"),
        ("input Filter {\n", "input Filter {\n  new: Int!\n"),
    ],
)
def test_values_of_variables_that_clients_sent_count(folder: Path, old: str, new: str) -> None:
    result = with_usage(folder, old, new)
    assert result.exit_code == 1
    assert "breaks: Book (usage/" in result.output


def test_variables_that_nobody_looked_at_count_as_a_use_of_everything(folder: Path) -> None:
    async def write() -> None:
        async with opened("usage.sqlite") as store:
            sent = batch(int(time.time()) // MINUTE, (BOOK, WEB, 1))
            sent.unknown_variables.add(BOOK.id)
            await store.write(sent, 100)

    asyncio.run(write())
    assert with_usage(folder, "  text: String\n", "").exit_code == 1


def test_a_change_that_breaks_less_than_the_threshold_does_not_fail(folder: Path) -> None:
    removed = ("  books(genre: Genre = NOVEL, any: Any): [Book!]!\n", "")
    assert with_usage(folder, *removed).exit_code == 1
    result = with_usage(folder, *removed, "--below", "1%")
    assert result.exit_code == 0
    assert "note: only 2 requests break, fewer than the policy counts" in result.output
    assert with_usage(folder, *removed, "--below", "0.1%").exit_code == 1
    assert with_usage(folder, *removed, "--exclude-client", "ios").exit_code == 0


def test_the_policy_can_say_it_all(folder: Path) -> None:
    (folder / ".router").mkdir()
    (folder / ".router/check.yaml").write_text(
        "usage: {store: usage.sqlite, since: 7d, below: 1%, exclude_clients: [nobody]}\n"
    )
    result = check(folder, "  books(genre: Genre = NOVEL, any: Any): [Book!]!\n", "")
    assert result.exit_code == 0, result.output
    assert check(folder, "  title: String\n", "").exit_code == 1
    assert check(folder, "  author: Author\n", "", "--skip", "usage").exit_code == 1


REMOVED_BOOKS = ("  books(genre: Genre = NOVEL, any: Any): [Book!]!\n", "")
REMOVED_TITLE = ("  title: String\n", "")


@pytest.mark.parametrize(
    ("rule", "change", "code"),
    [
        ("FIELD_REMOVED: {below: 1%}", REMOVED_BOOKS, 0),
        ("FIELD_REMOVED: {below: 1%}", REMOVED_TITLE, 1),
        ("FIELD_REMOVED: {exclude_clients: [ios]}", REMOVED_BOOKS, 0),
        ("FIELD_REMOVED: {exclude_clients: [ios]}", REMOVED_TITLE, 1),
        ("FIELD_TYPE_CHANGED: {below: 1%}", REMOVED_BOOKS, 1),
        ("FIELD_REMOVED: {since: 90d}", REMOVED_BOOKS, 1),
    ],
)
def test_a_kind_of_change_can_have_its_own_rule(folder: Path, rule: str, change: tuple[str, str], code: int) -> None:
    (folder / ".router").mkdir()
    (folder / ".router/check.yaml").write_text(f"usage: {{store: usage.sqlite, rules: {{{rule}}}}}\n")
    result = check(folder, *change)
    assert result.exit_code == code, result.output


def test_two_kinds_of_changes_with_two_windows(folder: Path) -> None:
    """A field was last used 60 days ago: only the rule with the longer window counts these requests."""

    async def write() -> None:
        async with opened("usage.sqlite") as store:
            old = operation("{ book { author { name } } }")
            await store.write(batch(int(time.time()) // MINUTE - 60 * 24 * 60, (old, WEB, 5)), 100)

    asyncio.run(write())
    (folder / ".router").mkdir()
    policy = folder / ".router/check.yaml"
    removed = OLD.replace("  author: Author\n", "").replace("  title: String\n", "  title: Int\n")
    (folder / "new.graphql").write_text(removed)
    arguments = ["check", "new.graphql", "--base", "old.graphql", "--format", "json"]

    def verdicts(rule: str) -> dict[str, str]:
        policy.write_text(f"usage: {{store: usage.sqlite, since: 30d, rules: {{{rule}}}}}\n")
        output = CliRunner().invoke(command, arguments, prog_name="router").output
        return {each["id"]: each["verdict"] for each in json.loads(output)["changes"]}

    assert verdicts("") == {"FIELD_REMOVED:Book.author": "unused", "FIELD_TYPE_CHANGED:Book.title": "fails"}
    assert set(verdicts("FIELD_REMOVED: {since: 90d}").values()) == {"fails"}
    both = verdicts("FIELD_REMOVED: {since: 90d}, FIELD_TYPE_CHANGED: {below: 99.9%}")
    assert both == {"FIELD_REMOVED:Book.author": "fails", "FIELD_TYPE_CHANGED:Book.title": "unused"}


def test_a_rule_with_an_empty_window_is_no_licence(folder: Path) -> None:
    (folder / ".router").mkdir()
    rule = "FIELD_REMOVED: {exclude_clients: [web, ios]}"
    (folder / ".router/check.yaml").write_text(f"usage: {{store: usage.sqlite, rules: {{{rule}}}}}\n")
    result = check(folder, *REMOVED_TITLE)
    assert isinstance(result.exception, StartupError)
    assert "name a longer window with usage.rules.FIELD_REMOVED.since" in str(result.exception)


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_names_the_clients(folder: Path, form: str) -> None:
    output = with_usage(folder, "  title: String\n", "", "--format", form).output
    assert form == "gitlab" or "1.2" in output.replace("&#x", "")
    if form == "json":
        Draft202012Validator(json.loads(OUTPUT_SCHEMA.read_text())).validate(json.loads(output))
        (broken,) = json.loads(output)["operations"]["broken"]
        assert broken["usage"] == {
            "hash": hash_of(BOOK.id),
            "requests": 1_000,
            "clients": [
                {"name": "web", "version": "1.2", "requests": 900},
                {"name": "ios", "version": "3", "requests": 100},
            ],
        }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--usage", "missing.sqlite"), "no such usage store"),
        (("--usage", "usage.sqlite", "--exclude-client", "web", "--exclude-client", "ios"), "no request in the window"),
    ],
)
def test_a_store_that_says_nothing_is_not_a_licence(folder: Path, options: tuple[str, ...], message: str) -> None:
    result = check(folder, "  title: String\n", "", *options)
    assert isinstance(result.exception, StartupError)
    assert message in str(result.exception)


@pytest.mark.parametrize("option", ["--since", "--below"])
def test_a_wrong_window_or_threshold_is_bad_usage(folder: Path, option: str) -> None:
    result = with_usage(folder, "  title: String\n", "", option, "much")
    assert result.exit_code == 2
    assert "'much' is not a " in result.output


def test_lint_runs_if_it_is_asked_for(folder: Path) -> None:
    change = ("  title: String\n", "  title: String\n  Sub_title: String\n")
    assert "FIELD_NAMES" not in check(folder, *change).output
    result = check(folder, *change, "--lint")
    assert result.exit_code == 0
    assert (
        "warning[FIELD_NAMES]: The field Book.Sub_title is not named in camelCase.\n  --> new.graphql:" in result.output
    )
    assert "FIELD_NAMES" not in check(folder, *change, "--lint", "--skip", "lint").output


def test_the_policy_chooses_levels_of_rules(folder: Path) -> None:
    (folder / ".router").mkdir()
    policy = folder / ".router/check.yaml"
    policy.write_text("lint:\n  only_new: true\n  rules: {FIELD_NAMES: error, DESCRIPTIONS: off}\n")
    result = check(folder, "  title: String\n", "  title: String\n  Sub_title: String\n")
    assert result.exit_code == 1
    assert "error[FIELD_NAMES]" in result.output
    assert "DESCRIPTIONS" not in result.output
    policy.write_text("lint:\n  rules: {FIELD_NAME: error}\n")
    result = check(folder, "  title: String\n", "")
    assert ".router/check.yaml:1: lint: rules: there is no rule FIELD_NAME; did you mean FIELD_NAMES?" in str(
        result.exception
    )


def test_a_finding_of_lint_can_be_approved(folder: Path) -> None:
    (folder / ".router").mkdir()
    (folder / ".router/check.yaml").write_text("lint: {rules: {FIELD_NAMES: error}}\n")
    (folder / ".router/approvals.yaml").write_text(
        "approvals:\n  - {change: 'lint:FIELD_NAMES:Book.Sub_title', reason: a standard, by: ann, until: 2999-01-01}\n"
    )
    result = check(folder, "  title: String\n", "  title: String\n  Sub_title: String\n")
    assert result.exit_code == 0, result.output
    assert "approved by ann" in result.output


def test_rules_are_explained() -> None:
    run = CliRunner()
    assert run.invoke(command, ["check", "--explain", "ids"]).output.startswith("# IDS\n")
    assert "ENTITY_WITHOUT_KEY" in run.invoke(command, ["check", "--explain"]).output
    result = run.invoke(command, ["check", "--explain", "NO_SUCH"])
    assert result.exit_code == 2
    assert "--explain without a name lists all rules" in result.output
