"""`mosafe fraud`: backtests with and without labels, explanations, and what is said about wrong files.

Covers `subgraphs/transaction/fraud/backtest_report.py`, `subgraphs/transaction/fraud/orders_file.py` and
`subgraphs/transaction/fraud/cli.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from subgraphs.transaction.fraud.cli import command
from subgraphs.transaction.fraud.orders_file import InvalidOrders, load_orders
from subgraphs.transaction.fraud.rules_file import DEFAULT_RULES, load_rules
from subgraphs.transaction.fraud.rules_schema import schema_text
from subgraphs.transaction.yaml_file import InvalidFile

if TYPE_CHECKING:
    from pathlib import Path

RULES = """\
version: 1
when_unavailable: {hold_above: 1000}
thresholds: {step_up: 10, hold: 20, block: 30}
rules:
  - {name: large, kind: large_amount, at_least: 100, score: 20}
  - {name: new, kind: new_payee, min_amount: 50, score: 10}
  - {name: many, kind: velocity_count, by: user, window: 1m, more_than: 1, shadow: true}
"""
HEAD = "at,amount,currency,user,receiver,label\n"
ORDERS = (
    HEAD
    + """\
2026-01-01T00:00:00Z,10.00,EUR,ann,shop,legitimate
2026-01-01T02:00:00Z,500.00,EUR,ann,mule,fraud
2026-01-01T01:00:00Z,60.00,EUR,ann,shop,legitimate
2026-01-01T02:00:01Z,60.00,EUR,ann,mule,fraud
2026-01-01T02:00:02Z,20.00,EUR,ann,mule,fraud
2026-01-01T03:00:00Z,200.00,EUR,bob,shop,legitimate
2026-01-01T03:00:00Z,1.00,EUR,eve,shop,
"""
)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path / "rules.yaml"


def written(folder: Path, text: str, name: str = "orders.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def run(*arguments: object) -> str:
    result = CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_backtest_prints_tables(tmp_path: Path, rules: Path) -> None:
    assert (
        run("backtest", written(tmp_path, ORDERS), "--rules", rules)
        == f"""\
7 orders, 6 of them labelled; rules {load_rules(rules).full_version}

action   orders  fraud  legitimate
ALLOW         4      1           2
STEP_UP       1      1           0
HOLD          0      0           0
BLOCK         2      1           1

rule           hits  fraud  legitimate  alone
large             2      1           1      0
new               3      2           1      1
many (shadow)     2      2           0      0

label       flagged  allowed
fraud             2        1
legitimate        1        2

precision 66.7 %, recall 66.7 %
"""
    )


def test_a_backtest_in_json(tmp_path: Path, rules: Path) -> None:
    document = json.loads(run("backtest", written(tmp_path, ORDERS), "--rules", rules, "--json"))
    assert (document["orders"], document["fraud"], document["legitimate"]) == (7, 3, 3)
    assert document["actions"][1] == {"action": "STEP_UP", "orders": 1, "fraud": 1, "legitimate": 0}
    assert document["rules"][1] == {
        "rule": "new",
        "kind": "new_payee",
        "shadow": False,
        "hits": 3,
        "fraud": 2,
        "legitimate": 1,
        "alone": 1,
    }
    assert document["confusion"] == {
        "flaggedFraud": 2,
        "allowedFraud": 1,
        "flaggedLegitimate": 1,
        "allowedLegitimate": 2,
        "precision": 2 / 3,
        "recall": 2 / 3,
    }


def test_without_labels_there_is_no_confusion(tmp_path: Path, rules: Path) -> None:
    text = written(tmp_path, ORDERS.replace(",fraud\n", ",\n").replace(",legitimate\n", ",\n"))
    assert "precision" not in run("backtest", text, "--rules", rules)
    document = json.loads(run("backtest", text, "--rules", rules, "--json"))
    assert (document["confusion"]["precision"], document["confusion"]["recall"]) == (None, None)


def test_json_lines_are_read_without_loss(tmp_path: Path, rules: Path) -> None:
    order = {"at": "2026-01-01T00:00:00Z", "amount": "AMOUNT", "currency": "EUR", "user": "ann", "label": True}
    line = json.dumps(order).replace('"AMOUNT"', "92233720368547758.07".replace("92233720368547758", "999999999999999"))
    path = written(tmp_path, f"{line}\n\n{line}\n", "orders.jsonl")
    assert [past.facts.units for past in load_orders(path)] == [99999999999999907] * 2
    assert json.loads(run("backtest", path, "--rules", rules, "--json"))["fraud"] == 2


def test_the_status_says_whether_money_moved(tmp_path: Path, rules: Path) -> None:
    """A payee is known when an order to it was completed, whatever the rules would have done."""
    text = "at,amount,currency,user,receiver,id,status\n" + "".join(
        f"2026-01-01T0{hour}:00:00Z,60.00,EUR,ann,shop,{hour},{status}\n"
        for hour, status in enumerate(("FAILED", "COMPLETED", "COMPLETED"))
    )
    path = written(tmp_path, text)
    scores = [json.loads(run("explain", path, order, "--rules", rules))["score"] for order in range(3)]
    assert scores == [10, 10, 0]


def test_one_decision_is_explained(tmp_path: Path, rules: Path) -> None:
    explained: dict[str, Any] = json.loads(run("explain", written(tmp_path, ORDERS), "line 5", "--rules", rules))
    assert explained["action"] == "STEP_UP"
    assert [(reason["rule"], reason["observed"]) for reason in explained["reasons"]] == [
        ("new", {}),
        ("many", {"count": 2, "more_than": 1, "window": "1m", "by": "user"}),
    ]
    result = CliRunner().invoke(command, ["explain", str(tmp_path / "orders.csv"), "line 99"])
    assert "no order 'line 99'" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the header has no at, amount, currency, user"),
        ("at,amount,currency,user,who\n", "1: unknown columns who"),
        ("at,at,amount,currency,user\n", "1: a column stands twice"),
        (HEAD + "2026-01-01T00:00:00Z,10.00,EUR,ann,shop\n", "2: 6 values are expected"),
        (HEAD + "2026-01-01T00:00:00Z,10.00,EUR,ann,shop,,\n", "2: 6 values are expected"),
        (HEAD + '\n2026-01-01T00:00:00Z,10.00,EUR,"ann"x,shop,\n', "3: is not CSV"),
        (HEAD + "yesterday,10.00,EUR,ann,shop,\n", "2: at: not an RFC 3339 time"),
        (HEAD + "2026-01-01T00:00:00Z,1e9,EUR,ann,shop,\n", "2: amount: not a decimal amount"),
        (HEAD + "2026-01-01T00:00:00Z,0.001,EUR,ann,shop,\n", "2: amount: an amount in EUR has exactly 2"),
        (HEAD + "2026-01-01T00:00:00Z,999999999999999.99,KWD,ann,shop,\n", ""),
        (HEAD + "2026-01-01T00:00:00Z,999999999999999.99,CLF,ann,shop,\n", "2: amount: too large"),
        (HEAD + "2026-01-01T00:00:00Z,10.00,EURO,ann,shop,\n", "2: currency: not an ISO 4217"),
        (HEAD + "2026-01-01T00:00:00Z,10.00,EUR,,shop,\n", "2: user: is missing"),
        (HEAD + "2026-01-01T00:00:00Z,10.00,EUR,ann,shop,perhaps\n", "2: label: fraud or legitimate"),
        ("at,amount,currency,user,type\n2026-01-01T00:00:00Z,1.00,EUR,ann,FEE\n", "2: type: one of TRANSFER"),
        ("at,amount,currency,user,status\n2026-01-01T00:00:00Z,1.00,EUR,ann,DONE\n", "2: status: one of PENDING"),
        (
            "at,amount,currency,user,type,receiver\n2026-01-01T00:00:00Z,1.00,EUR,ann,DEPOSIT,bob\n",
            "2: receiver: a deposit has none",
        ),
        ("at,amount,currency,user,id\n" + "2026-01-01T00:00:00Z,1.00,EUR,ann,7\n" * 2, "3: id: '7' is the order of"),
        ("{\n", "1: is not JSON"),
        ('{"user": 5}\n[]\n', "2: an object is expected"),
        ('{"at": {}, "amount": "1.00", "currency": "EUR", "user": "ann"}\n', "1: at: a string is expected"),
        ('{"who": 5}\n', "1: unknown key 'who'"),
        ('{"user": "' + "x" * 20_000 + '"}\n', "1: user: is too long"),
    ],
)
def test_wrong_orders_are_reported_with_their_line(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    if not expected:
        assert len(load_orders(path)) == 1
        return
    with pytest.raises(InvalidOrders) as raised:
        load_orders(path)
    assert f"{path}:{expected}" in str(raised.value)


def test_only_the_first_mistakes_are_printed(tmp_path: Path) -> None:
    with pytest.raises(InvalidOrders) as raised:
        load_orders(written(tmp_path, HEAD + "x,1.00,EUR,ann,shop,\n" * 1000))
    assert len(str(raised.value).splitlines()) == 21
    assert str(raised.value).endswith("and 980 more mistakes")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(HEAD.encode() + b"\xff")
    for name in ("missing", ".", "latin"):
        with pytest.raises(InvalidOrders, match=str(tmp_path)):
            load_orders(tmp_path / name)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + ORDERS.encode())
    assert len(load_orders(tmp_path / "bom.csv")) == 7


def test_rules_are_checked_and_shown(tmp_path: Path, rules: Path) -> None:
    assert run("rules", "check", rules).startswith(f"{rules}: 3 rules, 1 of them in shadow mode, version 1+")
    assert run("rules", "show") == DEFAULT_RULES.read_text()
    assert run("rules", "schema") == schema_text()
    wrong = written(tmp_path, RULES.replace("1m", "1y"), "wrong.yaml")
    assert isinstance(CliRunner().invoke(command, ["rules", "check", str(wrong)]).exception, InvalidFile)
