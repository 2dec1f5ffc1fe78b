"""Each kind of rule: when it is hit, and what it observes.

Covers `subgraphs/transaction/fraud/rules/*.py` and `subgraphs/transaction/fraud/evaluation.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.fraud.decision import Action
from subgraphs.transaction.fraud.rules.kinds import KINDS
from subgraphs.transaction.fraud.rules.rule import Phase
from subgraphs.transaction.fraud.windows.series import DAY, HOUR, MINUTE, SECOND
from tests.subgraphs.transaction.fraud.support import NOW, Desk, order, rule_set

T = TransactionType
HIT = ["rule-1"]
NO_HIT: list[str] = []


def desk(**rule: Any) -> Desk:
    return Desk(rule_set(rule))


async def observed(of: Desk, **changes: Any) -> dict[str, Any] | None:
    decision = await of.decide(order(**changes))
    return dict(decision.reasons[0].observed) if decision.reasons else None


async def test_velocity_counts_the_orders_of_a_window() -> None:
    rules = desk(kind="velocity_count", by="account", window="1m", more_than=2)
    for second in (0, 10):
        assert await rules.hits(order(at=NOW + second * SECOND)) == NO_HIT
    last = await rules.decide(order(at=NOW + 20 * SECOND))
    assert dict(last.reasons[0].observed) == {"count": 3, "more_than": 2, "window": "1m", "by": "account"}
    assert await rules.hits(order(at=NOW + 20 * SECOND, account_id="another")) == NO_HIT
    assert await rules.hits(order(at=NOW + 5 * MINUTE)) == NO_HIT


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        ("account", {"user_id": "x", "receiver_id": "y"}, {"account_id": "z"}),
        ("user", {"account_id": "x", "receiver_id": "y"}, {"user_id": "z"}),
        ("receiver", {"user_id": "x", "account_id": "y"}, {"receiver_id": "z"}),
    ],
)
async def test_velocity_by_account_user_or_receiver(by: str, same: dict[str, str], other: dict[str, str]) -> None:
    rules = desk(kind="velocity_count", by=by, window="1h", more_than=1)
    assert await rules.hits(order()) == NO_HIT
    assert await rules.hits(order(**other)) == NO_HIT
    assert await rules.hits(order(**same)) == HIT


async def test_velocity_counts_all_currencies_and_sums_each() -> None:
    rules = Desk(
        rule_set(
            {"kind": "velocity_count", "by": "user", "window": "24h", "more_than": 1},
            {"kind": "velocity_sum", "by": "user", "window": "24h", "more_than": {"default": "15", "JPY": 1500}},
        )
    )
    assert await rules.hits(order(currency="USD", units=1000)) == []
    assert await rules.hits(order(currency="JPY", units=1000)) == ["rule-1"]
    assert await rules.hits(order(currency="JPY", units=500)) == ["rule-1"]
    assert await rules.hits(order(currency="JPY", units=1)) == ["rule-1", "rule-2"]
    last = await rules.decide(order(currency="USD", units=501))
    assert dict(last.reasons[1].observed) == {
        "sum": "15.01 USD",
        "more_than": "15.00 USD",
        "window": "24h",
        "by": "user",
    }


async def test_velocity_of_completed_orders_includes_the_order_itself() -> None:
    rules = desk(kind="velocity_sum", by="user", window="24h", more_than=25, of="completed")
    for _ in range(3):
        assert await rules.hits(order()) == NO_HIT
    await rules.settle(order())
    await rules.settle(order())
    assert await observed(rules) == {"sum": "30.00 USD", "more_than": "25.00 USD", "window": "24h", "by": "user"}


async def test_only_types_of_the_rule_are_judged_and_counted() -> None:
    rules = desk(kind="velocity_count", by="user", window="1h", more_than=1, types=["PAYMENT"])
    assert await rules.hits(order(type=T.TRANSFER)) == NO_HIT
    assert await rules.hits(order(type=T.PAYMENT)) == NO_HIT
    assert await rules.hits(order(type=T.TRANSFER)) == NO_HIT
    assert await rules.hits(order(type=T.PAYMENT)) == HIT


async def test_transfers_between_own_accounts_are_left_out_unless_the_rule_wants_them() -> None:
    own = {"receiver_id": "ann's savings", "receiver_user_id": "ann"}
    for wanted, expected in ((False, NO_HIT), (True, HIT)):
        rules = desk(kind="large_amount", at_least=1, own_accounts=wanted)
        assert await rules.hits(order(**own)) == expected


async def test_small_orders_are_counted_but_not_judged() -> None:
    rules = desk(kind="velocity_count", by="user", window="1h", more_than=1, min_amount="10.00")
    assert await rules.hits(order(units=1)) == NO_HIT
    assert await rules.hits(order(units=999)) == NO_HIT
    assert await rules.hits(order(units=1000)) == HIT


async def test_a_rule_without_an_amount_for_the_currency_is_not_hit() -> None:
    assert await desk(kind="large_amount", at_least={"EUR": 1}).hits(order()) == NO_HIT
    assert await desk(kind="velocity_sum", by="user", window="1h", more_than={"EUR": 1}).hits(order()) == NO_HIT
    assert await desk(kind="structuring", limit={"EUR": 1}).hits(order()) == NO_HIT
    assert await desk(kind="large_amount", at_least=1, min_amount={"EUR": 1}).hits(order()) == NO_HIT


async def test_amount_over_mean() -> None:
    rules = desk(kind="amount_over_mean", factor=2.5, window="30d", min_orders=2)
    await rules.settle(order(units=1000))
    assert await rules.hits(order(units=10**6)) == NO_HIT
    await rules.settle(order(units=2000))
    await rules.settle(order(units=5, currency="JPY"))
    assert await rules.hits(order(units=3750)) == NO_HIT
    assert await observed(rules, units=3751) == {
        "amount": "37.51 USD",
        "mean": "15.00 USD",
        "orders": 2,
        "factor": "2.5",
        "window": "30d",
    }


async def test_a_refused_order_does_not_raise_the_mean() -> None:
    rules = desk(kind="amount_over_mean", factor=2, min_orders=1)
    await rules.settle(order(units=1000))
    assert await rules.hits(order(units=10**9)) == HIT
    assert await rules.hits(order(units=10**9)) == HIT


async def test_first_large_payment() -> None:
    rules = desk(kind="first_large_payment", at_least=100)
    assert await rules.hits(order(units=9999)) == NO_HIT
    assert await observed(rules, units=10_000) == {"amount": "100.00 USD", "at_least": "100.00 USD"}
    assert await rules.hits(order(units=10_000)) == HIT, "the first one was not completed"
    await rules.settle(order(units=9999))
    assert await rules.hits(order(units=10_000)) == HIT
    await rules.settle(order(units=10_000))
    assert await rules.hits(order(units=10_000)) == NO_HIT
    assert await rules.hits(order(units=100, currency="JPY")) == HIT


async def test_structuring_just_under_a_limit() -> None:
    rules = desk(kind="structuring", limit=10_000, margin_percent=5, at_least=3, window="7d")
    for units in (999_999, 950_000, 949_999, 1_000_000, 1):
        assert await rules.hits(order(units=units)) == NO_HIT
    assert await observed(rules, units=999_000) == {
        "count": 3,
        "at_least": 3,
        "sum": "29489.99 USD",
        "limit": "10000.00 USD",
        "window": "7d",
    }
    assert await rules.hits(order(units=1_000_000)) == NO_HIT


async def test_new_payee() -> None:
    rules = desk(kind="new_payee")
    assert await observed(rules) == {}
    assert await rules.hits(order()) == HIT, "a payee is known when the money has moved, not when it was ordered"
    await rules.settle(order())
    assert await rules.hits(order()) == NO_HIT
    assert await rules.hits(order(user_id="eve")) == HIT
    assert await rules.hits(order(counterparty="payee water works", receiver_id=None)) == HIT
    assert await rules.hits(order(type=T.WITHDRAWAL, counterparty=None, receiver_id=None)) == NO_HIT


async def test_duplicates() -> None:
    rules = desk(kind="duplicate", window="48h")
    assert await rules.hits(order()) == NO_HIT
    for different in ({"units": 1001}, {"currency": "EUR"}, {"counterparty": "account eve's"}, {"user_id": "eve"}):
        assert await rules.hits(order(**different)) == NO_HIT
    assert await observed(rules, at=NOW + 2 * HOUR) == {"orders": 2, "seconds_since_last": 7200, "window": "48h"}
    assert await rules.hits(order(at=NOW + 3 * DAY)) == NO_HIT


async def test_a_repeated_decision_is_not_a_duplicate_of_itself() -> None:
    rules = desk(kind="duplicate")
    first, second = order(), order()
    assert [await rules.hits(each) for each in (first, first, second, second)] == [NO_HIT, NO_HIT, HIT, HIT]


async def test_fan_out_and_fan_in() -> None:
    rules = Desk(
        rule_set(
            {"kind": "fan_out", "window": "1h", "more_than": 2}, {"kind": "fan_in", "window": "1h", "more_than": 2}
        )
    )
    for name in ("a", "b", "a", "b"):
        assert await rules.hits(order(receiver_id=name, counterparty=f"account {name}")) == []
    decision = await rules.decide(order(receiver_id="c", counterparty="account c"))
    assert [reason.rule for reason in decision.reasons] == ["rule-1"]
    assert dict(decision.reasons[0].observed) == {"count": 3, "more_than": 2, "window": "1h"}
    for name in ("x", "y", "x"):
        assert await rules.hits(order(user_id=name, account_id=f"{name}'s", receiver_id="mule")) == []
    assert await rules.hits(order(user_id="z", account_id="z's", receiver_id="mule")) == ["rule-2"]


async def test_rapid_in_and_out() -> None:
    rules = desk(kind="rapid_in_and_out", window="1h", received_at_least=100, share_percent=80)
    await rules.settle(
        order(user_id="eve", account_id="eve's", receiver_id="ann's", receiver_user_id="ann", units=10_000)
    )
    assert await rules.hits(order(units=7_999)) == NO_HIT
    assert await observed(rules, units=1) == {
        "received": "100.00 USD",
        "left": "80.00 USD",
        "share_percent": 80,
        "window": "1h",
    }
    assert await rules.hits(order(units=10_000, at=NOW + 2 * HOUR)) == NO_HIT


async def test_money_that_was_deposited_or_is_not_there_yet() -> None:
    rules = desk(kind="rapid_in_and_out", received_at_least=100)
    deposit = order(type=T.DEPOSIT, receiver_id=None, receiver_user_id=None, counterparty=None, units=10_000)
    await rules.decide(deposit)
    assert await rules.hits(order(units=10_000)) == NO_HIT
    await rules.settle(deposit)
    assert await rules.hits(order(units=1)) == HIT


async def test_dormant_account() -> None:
    rules = desk(kind="dormant_account", days=30)
    assert await rules.hits(order()) == NO_HIT
    await rules.settle(order())
    later = NOW + 6 * DAY
    await rules.settle(order(user_id="eve", account_id="eve's", receiver_id="ann's", receiver_user_id="ann", at=later))
    assert await rules.hits(order(at=NOW + 30 * DAY - 1)) == NO_HIT
    assert await observed(rules, at=NOW + 30 * DAY) == {"days": 30, "at_least": 30}


@pytest.mark.parametrize(
    ("zone", "utc_hours", "hit"),
    [
        ("UTC", 12, False),
        ("Asia/Tokyo", 12 + 4, True),  # 01:00
        ("Asia/Tokyo", 12 + 8, False),  # 05:00
        ("America/New_York", 12 + 17, True),  # 00:00 on the next day
        ("America/New_York", 12 + 16, False),  # 23:00
        ("Asia/Kathmandu", 12 + 6, False),  # 23:45
        ("Asia/Kathmandu", 12 + 7, True),  # 00:45
    ],
)
async def test_night_hours_follow_a_time_zone(zone: str, utc_hours: int, hit: bool) -> None:  # noqa: FBT001
    rules = desk(kind="night_hours", time_zone=zone, from_hour=0, to_hour=5)
    assert await rules.hits(order(at=NOW + (utc_hours - 12) * HOUR)) == (HIT if hit else NO_HIT)


async def test_a_night_may_begin_before_midnight_and_follows_summer_time() -> None:
    rules = desk(kind="night_hours", time_zone="Europe/Berlin", from_hour=22, to_hour=6)
    midnight = NOW - 12 * HOUR  # 2026-03-01, winter
    assert await rules.hits(order(at=midnight + 21 * HOUR)) == HIT
    assert await rules.hits(order(at=midnight + 5 * HOUR)) == NO_HIT
    summer = midnight + 60 * DAY
    assert await observed(rules, at=summer + 20 * HOUR) == {"local_time": "22:00", "time_zone": "Europe/Berlin"}
    assert await rules.hits(order(at=summer + 4 * HOUR)) == NO_HIT


async def test_scores_add_up_and_lead_to_actions() -> None:
    thresholds = {"step_up": 20, "hold": 30, "block": 40}
    for scores, action in (
        ([19], Action.ALLOW),
        ([20], Action.STEP_UP),
        ([10, 20], Action.HOLD),
        ([90, 90], Action.BLOCK),
    ):
        rules = [{"kind": "large_amount", "at_least": 1, "score": score} for score in scores]
        decision = await Desk(rule_set(*rules, thresholds=thresholds)).decide(order())
        assert (decision.action, decision.score) == (action, min(100, sum(scores)))


async def test_a_rule_can_ask_for_an_action_of_its_own() -> None:
    rules = Desk(
        rule_set(
            {"kind": "large_amount", "at_least": 1, "action": "hold"},
            {"kind": "large_amount", "at_least": 1, "action": "step_up"},
        )
    )
    decision = await rules.decide(order())
    assert (decision.action, decision.score) == (Action.HOLD, 0)


async def test_a_shadow_rule_is_recorded_and_changes_nothing() -> None:
    decision = await desk(kind="large_amount", at_least=1, action="block", score=100, shadow=True).decide(order())
    assert (decision.action, decision.score) == (Action.ALLOW, 0)
    assert [(reason.rule, reason.shadow) for reason in decision.reasons] == [("rule-1", True)]


async def test_observed_values_have_no_ids_and_no_names() -> None:
    rules = Desk(rule_set(*REQUIRED.values()))
    await rules.settle(
        order(user_id="eve", account_id="eve's", receiver_id="ann's", receiver_user_id="ann", units=10**6)
    )
    decisions = [await rules.decide(order(units=950)) for _ in range(3)]
    decision = decisions[-1]
    assert len(decision.reasons) >= 5
    for private in ("ann", "bob", "eve", decision.reasons[0].rule):
        assert not any(private in str(value) for reason in decision.reasons for value in reason.observed.values())


REQUIRED: dict[str, dict[str, Any]] = {
    "velocity_count": {"kind": "velocity_count", "by": "user", "window": "1h", "more_than": 1},
    "velocity_sum": {"kind": "velocity_sum", "by": "user", "window": "1h", "more_than": 1},
    "large_amount": {"kind": "large_amount", "at_least": 1},
    "amount_over_mean": {"kind": "amount_over_mean", "factor": 2, "min_orders": 1},
    "first_large_payment": {"kind": "first_large_payment", "at_least": 1},
    "structuring": {"kind": "structuring", "limit": 10},
    "new_payee": {"kind": "new_payee"},
    "duplicate": {"kind": "duplicate"},
    "fan_out": {"kind": "fan_out", "more_than": 1},
    "fan_in": {"kind": "fan_in", "more_than": 1},
    "rapid_in_and_out": {"kind": "rapid_in_and_out", "received_at_least": 1},
    "dormant_account": {"kind": "dormant_account"},
    "night_hours": {"kind": "night_hours", "time_zone": "UTC"},
}


def test_every_kind_is_tried_above() -> None:
    assert REQUIRED.keys() == KINDS.keys()


@pytest.mark.parametrize("rule", REQUIRED.values(), ids=REQUIRED)
def test_a_rule_writes_only_in_its_phases(rule: dict[str, Any]) -> None:
    """A rule is not asked in other phases. Each kind that reads series writes to them in at least one phase."""
    (tried,) = rule_set(rule).rules
    orders = [order(type=type_, units=units, settled_at=NOW) for type_ in T for units in (950, 1000, 10**6)]
    written = {phase for phase in Phase for each in orders if list(tried.writes(each, phase))}
    assert written == set(tried.phases)
    assert bool(written) == any(tried.reads(each) for each in orders)


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": {"step_up": 50, "hold": 40}},
        {"rules": [{"name": "a", **REQUIRED["new_payee"]}] * 2},
        {"rules": [{"name": "a", **REQUIRED["new_payee"], "score": 101}]},
        {"rules": [{"name": "A B", **REQUIRED["new_payee"]}]},
        {"rules": [{"name": "a", **REQUIRED["fan_in"], "more_than": 1000}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": 0.5}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": {"JPY": "0.5"}}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": {"XXX": 1}}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": {}}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": "1e9"}]},
        {"rules": [{"name": "a", **REQUIRED["large_amount"], "at_least": -1}]},
        {"rules": [{"name": "a", **REQUIRED["night_hours"], "time_zone": "Mars/Olympus"}]},
        {"rules": [{"name": "a", **REQUIRED["night_hours"], "time_zone": "../../etc/passwd"}]},
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule_set(**wrong)


def test_the_version_has_a_hash_of_the_content() -> None:
    one, same, other = (rule_set({**REQUIRED["fan_in"], "more_than": number}) for number in (1, 1, 2))
    assert one.full_version == same.full_version != other.full_version
    assert one.full_version.startswith("1+")
