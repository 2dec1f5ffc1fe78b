"""Decisions about recorded orders: on a real store, across restarts, and when something fails.

Covers `subgraphs/transaction/fraud/history.py`, `subgraphs/transaction/fraud/resources.py`,
`subgraphs/transaction/fraud/settings.py` and `subgraphs/transaction/fraud/windows/filling.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from bank import values
from mosafe.local_servers.redis_server import RedisServer
from servicekit.errors import ConfigurationError, Unavailable
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.fraud import fraud_checks, history
from subgraphs.transaction.fraud.decision import Action, Decision, Unavailability
from subgraphs.transaction.fraud.fraud_checks import FraudChecks
from subgraphs.transaction.fraud.history import StoreHistory
from subgraphs.transaction.fraud.resources import open_fraud_checks
from subgraphs.transaction.fraud.settings import FraudSettings
from subgraphs.transaction.fraud.windows import redis_windows
from subgraphs.transaction.fraud.windows.memory import MemoryWindows
from subgraphs.transaction.fraud.windows.protocol import WindowsUnavailable
from subgraphs.transaction.fraud.windows.redis_windows import RedisWindows
from subgraphs.transaction.order_steps import judged_by
from tests.servers import running
from tests.subgraphs.transaction.fraud.support import FixedRules, rule_set
from tests.subgraphs.transaction.support import (
    START,
    Clock,
    deposit_order,
    party,
    payment_order,
    recorded,
    sqlite_store,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from subgraphs.transaction.domain import Party, Transaction
    from subgraphs.transaction.fraud.windows.protocol import Observation, Windows
    from subgraphs.transaction.fraud.windows.series import Read, Write
    from subgraphs.transaction.store.protocol import TransactionStore

HOURLY = {"kind": "velocity_count", "by": "user", "window": "1h", "more_than": 3, "action": "hold"}
RULES = rule_set(HOURLY, {"kind": "new_payee", "score": 1})
ANN, BOB = party(), party()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TransactionStore]:
    async with sqlite_store(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def checks(
    store: TransactionStore, windows: Windows | None = None, *, clock: Clock | None = None, deadline: float = 5
) -> AsyncIterator[FraudChecks]:
    used = MemoryWindows() if windows is None else windows
    opened = FraudChecks(FixedRules(RULES), used, StoreHistory(store), deadline=deadline, clock=clock or Clock())
    try:
        yield opened
    finally:
        await opened.aclose()


async def ordered(store: TransactionStore, source: Party = ANN, **changes: Any) -> Transaction:
    """A recorded transfer to bob."""
    return await recorded(store, transaction(transfer_order(source, BOB), Parties(source, BOB), **changes))


async def test_orders_of_a_user_are_counted(store: TransactionStore) -> None:
    async with checks(store) as fraud:
        actions = [(await fraud.decide(await ordered(store))).action for _ in range(4)]
        assert actions == [Action.ALLOW] * 3 + [Action.HOLD]
        assert (await fraud.decide(await ordered(store, party()))).action is Action.ALLOW


async def test_a_repeated_decision_counts_once(store: TransactionStore) -> None:
    async with checks(store) as fraud:
        order = await ordered(store)
        for _ in range(10):
            assert (await fraud.decide(order)).action is Action.ALLOW


async def test_a_restart_forgets_nothing(store: TransactionStore) -> None:
    async with checks(store) as fraud:
        for _ in range(3):
            await fraud.decide(await ordered(store))
    async with checks(store) as fraud:
        assert (await fraud.decide(await ordered(store))).action is Action.HOLD


async def test_orders_at_the_same_time_after_a_restart_are_all_counted(store: TransactionStore) -> None:
    async with checks(store) as fraud:
        orders = [await ordered(store) for _ in range(12)]
        decisions = await asyncio.gather(*map(fraud.decide, orders))
        # All of them are in the store, so each decision may already count those that were given at the same time.
        assert sum(decision.action is Action.HOLD for decision in decisions) >= 9
        last = await fraud.decide(await ordered(store))
        assert dict(last.reasons[0].observed)["count"] == 13


async def test_orders_that_no_rule_has_seen_do_not_count(store: TransactionStore) -> None:
    for _ in range(5):
        own = await ordered(store)
        assert own.status is TransactionStatus.PENDING
        refused = transaction(transfer_order(ANN, ANN), Parties(ANN, ANN))
        assert (await recorded(store, refused)).status is TransactionStatus.FAILED
    async with checks(store) as fraud:
        decision = await fraud.decide(await ordered(store))
        assert dict(decision.reasons[0].observed)["count"] == 6


async def test_an_order_that_was_blocked_in_the_moment_of_its_record_counts(store: TransactionStore) -> None:
    blocked = Decision(Action.BLOCK, 100, "1", (), START)
    for _ in range(3):
        order = await ordered(store)
        await store.change(order.id, lambda found: judged_by(found, blocked, START))
    async with checks(store) as fraud:
        assert (await fraud.decide(await ordered(store))).action is Action.HOLD


async def test_a_long_history_is_read_in_pages(store: TransactionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_PAGE_SIZE", 4)
    for number in range(9):
        await ordered(store, at=START - timedelta(milliseconds=number))
    async with checks(store) as fraud:
        decision = await fraud.decide(await ordered(store))
        assert dict(decision.reasons[0].observed)["count"] == 10


async def test_a_completed_order_makes_its_payee_known_at_once_and_after_a_restart(store: TransactionStore) -> None:
    async def is_new(fraud: FraudChecks, record: Transaction) -> bool:
        return "rule-2" in {reason.rule for reason in (await fraud.decide(record)).reasons}

    async with checks(store) as fraud:
        first = await ordered(store)
        assert await is_new(fraud, first)
        await fraud.settled(first)
        assert await is_new(fraud, await ordered(store)), "the first order is still PENDING"
        await fraud.settled(replace(first, status=TransactionStatus.COMPLETED))
        assert not await is_new(fraud, await ordered(store))
        paid = await recorded(
            store, transaction(payment_order(ANN), Parties(ANN, None), status=TransactionStatus.COMPLETED)
        )
        assert await is_new(fraud, paid)
    async with checks(store) as fraud:
        again = await recorded(store, transaction(payment_order(ANN, " WATER  works"), Parties(ANN, None)))
        assert not await is_new(fraud, again)


async def test_a_deposit_is_judged_by_the_rules_for_deposits_only(store: TransactionStore) -> None:
    async with checks(store) as fraud:
        for _ in range(10):
            deposit = await recorded(store, transaction(deposit_order(ANN), Parties(None, ANN)))
            assert (await fraud.decide(deposit)).reasons == ()


@asynccontextmanager
async def checks_in_redis(store: TransactionStore, url: str) -> AsyncIterator[FraudChecks]:
    windows = RedisWindows(url, timeout=30)
    try:
        async with checks(store, windows, deadline=30) as fraud:
            yield fraud
    finally:
        await windows.aclose()


async def test_redis_is_flushed_midway(store: TransactionStore, redis_url: str) -> None:
    async with checks_in_redis(store, redis_url) as fraud:
        for _ in range(3):
            assert (await fraud.decide(await ordered(store))).action is Action.ALLOW
        with Redis.from_url(redis_url) as client:
            client.flushall()
        decision = await fraud.decide(await ordered(store))
        assert (decision.unavailable, decision.action) == (None, Action.HOLD)


async def test_redis_goes_away_and_comes_back(
    store: TransactionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_windows, "PAUSE_SECONDS", 0)
    with running(RedisServer(tmp_path / "redis")) as server:
        async with checks_in_redis(store, server.url) as fraud:
            for _ in range(2):
                await fraud.decide(await ordered(store))
            server.stop()
            away = await fraud.decide(await ordered(store))
            assert (away.action, away.unavailable) == (Action.ALLOW, Unavailability.WINDOWS)
            server.start()
            decision = await fraud.decide(await ordered(store))
            assert (decision.action, decision.unavailable) == (Action.HOLD, None)


async def test_the_checks_of_a_service(store: TransactionStore, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.model_dump_json())
    settings = FraudSettings(rules=rules, deadline=30)
    async with open_fraud_checks(settings, store) as fraud:
        decisions = [await fraud.decide(await ordered(store, at=values.now())) for _ in range(4)]
        assert [decision.action for decision in decisions] == [Action.ALLOW] * 3 + [Action.HOLD]
    rules.unlink()
    wrong = {"FRAUD_RULES": settings, "REDIS_URL": FraudSettings(redis_url="redis://h:1/0?socket_timeout=secret")}
    for variable, each in wrong.items():
        with pytest.raises(ConfigurationError) as raised:
            async with open_fraud_checks(each, store):
                pass
        assert raised.value.variable == variable
        assert "secret" not in str(raised.value)
    async with open_fraud_checks(FraudSettings(), store) as fraud:
        assert (await fraud.decide(await ordered(store, at=values.now()))).action is Action.ALLOW


async def test_a_clock_that_is_set_back_counts_rather_too_much(store: TransactionStore) -> None:
    clock = Clock()
    async with checks(store, clock=clock) as fraud:
        for _ in range(3):
            await fraud.decide(await ordered(store, at=clock()))
        clock.advance(timedelta(days=-30))
        assert (await fraud.decide(await ordered(store, at=clock()))).action is Action.HOLD
        clock.advance(timedelta(days=30))
        assert (await fraud.decide(await ordered(store, at=clock()))).action is Action.HOLD


class FailingWindows(MemoryWindows):
    """Windows that can be made to fail before or after they have done something, or to wait."""

    fails_before: bool = False
    fails_after: bool = False
    gate: asyncio.Event | None = None

    # mypy: the windows in memory need no waiting, these do.
    def observe_at_once(  # type: ignore[override]
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> None:
        """See `observe`."""

    async def observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        if self.fails_before:
            raise WindowsUnavailable
        if self.gate is not None:
            await self.gate.wait()
        observation = super().observe_at_once(transaction_id, at, writes, reads)
        if self.fails_after:
            raise WindowsUnavailable
        return observation


async def small_and_large(store: TransactionStore) -> list[Transaction]:
    return [
        await recorded(store, transaction(transfer_order(ANN, BOB, amount), Parties(ANN, BOB)))
        for amount in ("1000.00", "1000.01")
    ]


@pytest.mark.parametrize("moment", ["fails_before", "fails_after"])
async def test_the_default_decides_while_the_windows_fail_and_no_order_is_lost(
    store: TransactionStore, moment: str
) -> None:
    windows = FailingWindows()
    async with checks(store, windows) as fraud:
        await fraud.decide(await ordered(store))
        setattr(windows, moment, True)
        with capture_logs() as logs:
            decisions = [await fraud.decide(order) for order in await small_and_large(store)]
        assert [decision.action for decision in decisions] == [Action.ALLOW, Action.HOLD]
        assert {decision.unavailable for decision in decisions} == {Unavailability.WINDOWS}
        assert [entry["log_level"] for entry in logs] == ["warning"]
        assert fraud.defaults == 2
        setattr(windows, moment, False)
        with capture_logs() as logs:
            decision = await fraud.decide(await ordered(store))
        assert decision.unavailable is None
        assert dict(decision.reasons[0].observed)["count"] == 4
        assert [entry["orders_with_the_default"] for entry in logs] == [2]


async def test_an_order_that_is_decided_too_late_is_counted_all_the_same(store: TransactionStore) -> None:
    windows = FailingWindows()
    async with checks(store, windows, deadline=0) as fraud:
        windows.gate = asyncio.Event()
        late = await fraud.decide((await small_and_large(store))[1])
        assert (late.action, late.unavailable) == (Action.HOLD, Unavailability.DEADLINE)
        windows.gate.set()
    async with checks(store, windows) as fraud:
        await fraud.decide(await ordered(store))
        decision = await fraud.decide(await ordered(store))
        assert dict(decision.reasons[0].observed)["count"] == 4


async def test_only_so_many_orders_wait_for_the_windows(
    store: TransactionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fraud_checks, "MAX_WAITING", 1)
    windows = FailingWindows()
    windows.gate = asyncio.Event()
    async with checks(store, windows, deadline=0) as fraud:
        decisions = [await fraud.decide(await ordered(store)) for _ in range(3)]
    reasons = [decision.unavailable for decision in decisions]
    assert reasons == [Unavailability.DEADLINE, Unavailability.WINDOWS, Unavailability.WINDOWS]


async def test_a_store_that_fails_leads_to_the_default(store: TransactionStore) -> None:
    class Failing(StoreHistory):
        def orders(self, *_: object) -> AsyncIterator[Any]:
            raise Unavailable

    order = await ordered(store)
    fraud = FraudChecks(FixedRules(RULES), MemoryWindows(), Failing(store), deadline=5, clock=Clock())
    decision = await fraud.decide(order)
    assert (decision.action, decision.unavailable) == (Action.ALLOW, Unavailability.STORE)
    await fraud.aclose()


async def test_a_mistake_in_a_rule_does_not_stop_the_bank(
    store: TransactionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    order = (await small_and_large(store))[1]
    async with checks(store) as fraud:
        monkeypatch.setattr(fraud_checks, "judge", broken)
        with capture_logs() as logs:
            decision = await fraud.decide(order)
    assert (decision.action, decision.unavailable) == (Action.HOLD, Unavailability.INTERNAL)
    assert any(entry.get("exc_info") for entry in logs)


async def test_a_currency_without_a_default_is_held(store: TransactionStore) -> None:
    rules = rule_set(HOURLY, when_unavailable={"hold_above": {"EUR": 1}})
    windows = FailingWindows()
    windows.fails_before = True
    fraud = FraudChecks(FixedRules(rules), windows, StoreHistory(store), deadline=5, clock=Clock())
    assert (await fraud.decide(await ordered(store))).action is Action.HOLD
    await fraud.settled(replace(await ordered(store), status=TransactionStatus.COMPLETED))
    await fraud.aclose()
