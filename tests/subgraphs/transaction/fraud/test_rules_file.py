"""Rules files: the bundled one, mistakes with their lines, the JSON Schema, and reloading.

Covers `subgraphs/transaction/fraud/rules_schema.py` and `subgraphs/transaction/fraud/live_rules.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bank.values import EXPONENTS
from subgraphs.transaction.domain import Parties, TransactionType
from subgraphs.transaction.fraud.decision import Action
from subgraphs.transaction.fraud.live_rules import live_rules
from subgraphs.transaction.fraud.order_facts import OrderFacts
from subgraphs.transaction.fraud.rules.kinds import KINDS
from subgraphs.transaction.fraud.rules_file import DEFAULT_RULES, load_rules, read_rules
from subgraphs.transaction.fraud.rules_schema import SCHEMA_FILE, schema_text
from subgraphs.transaction.yaml_file import MAX_BYTES, InvalidFile
from tests.subgraphs.transaction.support import party, transaction, transfer_order

if TYPE_CHECKING:
    from pathlib import Path

ORDER = OrderFacts("0" * 24, TransactionType.TRANSFER, 10**12, "EUR", 0, "1" * 24)
GOOD = """\
version: 2026-11-29
when_unavailable: {hold_above: 1000}
rules:
  - name: many
    kind: velocity_count
    by: user
    window: 1m
    more_than: 5
"""


def test_the_bundled_rules_use_every_kind() -> None:
    rules = load_rules(DEFAULT_RULES)
    assert {rule.kind for rule in rules.rules} >= KINDS.keys() - {"large_amount"}
    for currency in EXPONENTS:
        assert rules.when_unavailable.hold_above.units(currency)


def test_the_json_schema_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "python -c 'from subgraphs.transaction.fraud.rules_schema import *; SCHEMA_FILE.write_text(schema_text())'"
    )


def test_versions_that_yaml_reads_as_numbers_and_dates() -> None:
    assert read_rules(GOOD, "f").version == "2026-11-29"
    assert read_rules(GOOD.replace("2026-11-29", "7"), "f").version == "7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("window: 1m", "window: 1y"), "f:7: rules.0.window: one of '1m', '1h', '24h' or '7d' is expected"),
        (GOOD.replace("window:", "windw:"), "f:7: rules.0.windw: unknown key; did you mean `window`?"),
        (GOOD.replace("    by: user\n", ""), "f:4: rules.0.by: this key is required"),
        (GOOD.replace("velocity_count", "speed"), "f:4: rules.0: unknown kind 'speed'; the kinds are velocity_count,"),
        (GOOD.replace("    kind: velocity_count\n", ""), "f:4: rules.0: a rule needs a `kind`"),
        (GOOD.replace("more_than: 5", "more_than: -1"), "f:8: rules.0.more_than: a number of at least 0 is expected"),
        (GOOD.replace("1000", "10.5"), "f:2: when_unavailable.hold_above: an amount with decimals is written in quo"),
        (GOOD.replace("1000", "{JPY: '1.5'}"), "f:2: when_unavailable.hold_above: '1.5' is not an amount"),
        (GOOD.replace("hold_above", "hold_abov"), "f:2: when_unavailable.hold_abov: unknown key; did you mean"),
        (GOOD + "threshold: {}\n", "f:9: threshold: unknown key; did you mean `thresholds`?"),
        (GOOD + "thresholds: {hold: 500}\n", "f:9: thresholds.hold: a number of at most 100 is expected"),
        (GOOD + "thresholds: 5\n", "f:9: thresholds: a mapping of keys to values is expected"),
        (GOOD + "version: 1\n", 'f:9: not YAML: found duplicate key "version"'),
        (GOOD + "  - {", "f:9: not YAML"),
        (GOOD.replace("rules:", "rules: 5\nx:"), "f:3: rules: a list is expected"),
        ("- 1\n", "f:1: a mapping with `version` and `rules` is expected"),
        ("", "f:1: a mapping with `version` and `rules` is expected"),
        ("\x00", "f:1: not YAML"),
        ("[" * 200, "f:1: not YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, expected: str) -> None:
    with pytest.raises(InvalidFile) as raised:
        read_rules(text, "f")
    assert any(str(problem).startswith(expected) for problem in raised.value.problems), str(raised.value)


def test_all_mistakes_are_reported() -> None:
    with pytest.raises(InvalidFile) as raised:
        read_rules(GOOD.replace("user", "planet").replace("1m", "1y") + "x: 1\n", "f")
    assert [problem.line for problem in raised.value.problems] == [6, 7, 9]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content in (("large", b"#" * (MAX_BYTES + 1)), ("latin", b"version: \xff")):
        (tmp_path / name).write_bytes(content)
    for path in (tmp_path / "missing", tmp_path, tmp_path / "large", tmp_path / "latin"):
        with pytest.raises(InvalidFile, match=str(path)):
            load_rules(path)


def test_the_bundled_rules_only_observe() -> None:
    """An order of a client that knew nothing of fraud rules has the same outcome as before."""
    rules = live_rules().current
    assert all(rule.shadow for rule in rules.rules)
    assert rules.when_unavailable.action(ORDER) is Action.ALLOW
    assert load_rules(DEFAULT_RULES).when_unavailable.action(ORDER) is Action.HOLD


async def test_the_rules_follow_their_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD)
    rules = live_rules(path)
    first = rules.current
    await rules.refresh()
    assert rules.current is first
    path.write_text(GOOD.replace("more_than: 5", "more_than: 50"))
    with capture_logs() as logs:
        await rules.refresh()
    assert rules.current.full_version != first.full_version
    assert [entry["event"] for entry in logs] == ["fraud rules reloaded"]


async def test_a_broken_file_keeps_the_old_rules_and_says_why_once(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD)
    rules = live_rules(path)
    first = rules.current
    for broken in (GOOD.replace("1m", "1y"), None):
        path.unlink()
        if broken is not None:
            path.write_text(broken)
        with capture_logs() as logs:
            await rules.refresh()
            await rules.refresh()
        assert rules.current is first
        assert [(entry["log_level"], str(path) in entry["why"]) for entry in logs] == [("error", True)]
    path.write_text(GOOD)
    with capture_logs() as logs:
        await rules.refresh()
    assert logs == []
    assert rules.current.full_version == first.full_version


def test_rules_that_have_judged_have_a_copy_in_shadow_mode() -> None:
    rules = load_rules(DEFAULT_RULES)
    ann, bob = party(), party()
    order = OrderFacts.of(transaction(transfer_order(ann, bob), Parties(ann, bob)))
    assert not all(rule.shadow for rule in rules.counting(order))
    assert rules.counting(order)
    assert rules.counting(order) == tuple(rule for rule in rules.rules if rule.counts(order))
    shadow = rules.in_shadow_mode()
    assert len(shadow.counting(order)) == len(rules.counting(order))
    assert all(rule.shadow for rule in shadow.counting(order))
