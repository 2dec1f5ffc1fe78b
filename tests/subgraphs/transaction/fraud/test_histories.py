"""Generated histories: windows never count too little, whatever is lost, repeated or out of order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.fraud.rules import counterparties
from subgraphs.transaction.fraud.windows.redis_windows import RedisWindows
from subgraphs.transaction.fraud.windows.series import DAY, HOUR, MINUTE, SPANS
from tests.subgraphs.transaction.fraud.support import NOW, Desk, order, rule_set

if TYPE_CHECKING:
    import pytest

    from mosafe.local_servers.redis_server import RedisServer
    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.fraud.order_facts import OrderFacts

T = TransactionType
WINDOWS = ("1m", "1h", "24h", "7d")
# Every kind with windows, and thresholds so low that the readings of nearly every order are in its decision.
ALL_KINDS = rule_set(
    *(
        {"kind": "velocity_count", "by": by, "window": window, "more_than": 0}
        for by in ("user", "account", "receiver")
        for window in WINDOWS
    ),
    {"kind": "velocity_sum", "by": "user", "window": "24h", "more_than": 1, "of": "completed"},
    {"kind": "amount_over_mean", "factor": "1.5", "min_orders": 1},
    {"kind": "first_large_payment", "at_least": 50},
    {"kind": "structuring", "limit": 100, "margin_percent": 50, "at_least": 2},
    {"kind": "new_payee", "min_amount": 5},
    {"kind": "duplicate"},
    {"kind": "fan_out", "more_than": 1},
    {"kind": "fan_in", "more_than": 1, "window": "7d"},
    {"kind": "rapid_in_and_out", "received_at_least": 1, "share_percent": 1},
    {"kind": "dormant_account", "days": 1},
)
STEPS = st.sampled_from([0, 1, 20 * 1000, MINUTE, 30 * MINUTE, 6 * HOUR, 2 * DAY])


@dataclass(frozen=True, slots=True)
class Event:
    """What happens at one moment: an order, perhaps decided twice, perhaps completed, perhaps after a loss."""

    facts: OrderFacts
    is_repeated: bool
    is_completed: bool
    loses_windows: bool


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    events = []
    at = NOW
    for number in range(draw(st.integers(1, 14))):
        at += draw(STEPS)
        user, receiver = draw(st.sampled_from([("ann", "bob"), ("bob", "ann"), ("ann", "eve"), ("eve", "bob")]))
        facts = order(
            transaction_id=f"{number:024x}",
            at=at,
            units=draw(st.sampled_from([100, 700, 6_000, 9_000, 2**63 - 1])),
            user_id=user,
            account_id=f"{user}'s",
            receiver_id=f"{receiver}'s",
            receiver_user_id=receiver,
            counterparty=f"account {receiver}'s",
        )
        if draw(st.integers(0, 4)) == 0:
            facts = replace(facts, type=T.DEPOSIT, receiver_id=None, receiver_user_id=None, counterparty=None)
        events.append(Event(facts, draw(st.booleans()), draw(st.booleans()), draw(st.integers(0, 5)) == 0))
    return events


async def decide_all(desk: Desk, events: list[Event], *, losing: bool) -> list[Decision]:
    decisions = []
    for event in events:
        if losing and event.loses_windows:
            await desk.windows.forget_all()
        if event.is_repeated:
            await desk.decide(event.facts)
        decisions.append(await desk.decide(event.facts))
        if event.is_completed:
            for _ in range(1 + event.is_repeated):
                await desk.settle(event.facts)
    return decisions


@settings(max_examples=15, deadline=None)
@given(events=histories())
async def test_rebuilt_windows_are_the_same_as_those_that_were_never_lost(events: list[Event]) -> None:
    never_lost = await decide_all(Desk(ALL_KINDS), events, losing=False)
    assert await decide_all(Desk(ALL_KINDS), events, losing=True) == never_lost


@settings(max_examples=5, deadline=None)
@given(events=histories())
async def test_redis_decides_as_memory_does(redis_server: RedisServer, events: list[Event]) -> None:
    expected = await decide_all(Desk(ALL_KINDS), events, losing=False)
    windows = RedisWindows(redis_server.url)
    try:
        await windows.forget_all()
        assert await decide_all(Desk(ALL_KINDS, windows), events, losing=True) == expected
    finally:
        await windows.aclose()


@settings(max_examples=15, deadline=None)
@given(events=histories(), lateness=st.lists(st.sampled_from([0, MINUTE, HOUR]), min_size=14, max_size=14))
async def test_a_window_never_counts_too_little_and_at_most_a_slot_too_much(
    events: list[Event], lateness: list[int]
) -> None:
    """Also when the clock is set back, and when orders arrive late and out of order."""
    desk = Desk(ALL_KINDS)
    seen: list[OrderFacts] = []
    for event, late in zip(events, lateness, strict=False):
        facts = replace(event.facts, at=event.facts.at - late)
        now = event.facts.at
        seen.append(facts)
        decision = await desk.decide(facts, at=now)
        if facts.type is T.DEPOSIT:
            continue
        counts = {
            str(reason.observed["window"]): int(reason.observed["count"])
            for reason in decision.reasons
            if reason.observed.get("by") == "user" and "count" in reason.observed
        }
        for window in WINDOWS:
            span, slot = SPANS[window]
            own = [past.at for past in seen if past.user_id == facts.user_id and past.type is not T.DEPOSIT]
            least = sum(at >= now - span for at in own)
            most = sum(at >= now - span - slot for at in own)
            assert least <= counts.get(window, 0) <= most


async def test_more_payees_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest payee is new again, the newest are known, and a fan rule is still hit."""
    monkeypatch.setattr(counterparties, "KNOWN_PAYEES", 100)
    monkeypatch.setattr(counterparties, "MAX_FAN", 60)
    rules = Desk(rule_set({"kind": "new_payee"}, {"kind": "fan_out", "more_than": 59}))
    await rules.hits(order())
    for number in range(250):
        payee = order(counterparty=f"account {number}", at=NOW + number)
        await rules.decide(payee)
        await rules.settle(payee)
    assert await rules.hits(order(counterparty="account 249", at=NOW + 250)) == ["rule-2"]
    assert await rules.hits(order(counterparty="account 10", at=NOW + 250)) == ["rule-1", "rule-2"]
