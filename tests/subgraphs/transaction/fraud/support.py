"""Rules and orders for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bank.values import new_object_id
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.fraud.evaluation import contributions, inquire, judge
from subgraphs.transaction.fraud.order_facts import OrderFacts
from subgraphs.transaction.fraud.rules.rule import Phase
from subgraphs.transaction.fraud.rules.rule_set import RuleSet
from subgraphs.transaction.fraud.windows.filling import Filling
from subgraphs.transaction.fraud.windows.memory import MemoryWindows
from subgraphs.transaction.fraud.windows.series import ScopeKind
from tests.subgraphs.transaction.support import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.fraud.windows.protocol import Windows
    from subgraphs.transaction.fraud.windows.series import Scope

NOW = to_milliseconds(START)


def rule_set(*rules: dict[str, Any], **changes: Any) -> RuleSet:
    """A rule set; rules without a name are called `rule-1`, `rule-2` and so on."""
    named = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(rules, 1)]
    return RuleSet.model_validate({"version": "1", "when_unavailable": {"hold_above": 1000}, "rules": named, **changes})


def order(**changes: Any) -> OrderFacts:
    """A transfer of 10.00 USD from ann to bob at `NOW`, with changes."""
    facts = OrderFacts(
        transaction_id=new_object_id(),
        type=TransactionType.TRANSFER,
        units=1000,
        currency="USD",
        at=NOW,
        user_id="ann",
        account_id="ann's",
        receiver_id="bob's",
        receiver_user_id="bob",
        counterparty="account bob's",
    )
    return replace(facts, **changes)


class MemoryHistory:
    """The history of a store in memory: the newest facts of each order."""

    def __init__(self) -> None:
        self.known: dict[str, OrderFacts] = {}

    async def orders(self, scope: Scope, since: int) -> AsyncIterator[Sequence[OrderFacts]]:
        """See `History.orders`."""
        for facts in sorted(self.known.values(), key=lambda facts: -facts.at):
            ids = (facts.user_id,) if scope.kind is ScopeKind.USER else (facts.account_id, facts.receiver_id)
            if scope.id in ids and facts.at >= since:
                yield [facts]


class Desk:
    """Judges one order after the other, on windows in memory."""

    def __init__(self, rules: RuleSet, windows: Windows | None = None) -> None:
        self.rules = rules
        self.windows = MemoryWindows() if windows is None else windows
        self.history = MemoryHistory()
        self._filling = Filling(self.windows, self.history)

    async def decide(self, facts: OrderFacts, *, at: int | None = None) -> Decision:
        """Record the order and decide about it; `at` is the clock, by default the time of the order."""
        now = facts.at if at is None else at
        self.history.known.setdefault(facts.transaction_id, facts)
        inquiry = inquire(self.rules, facts)
        while True:
            found = await self.windows.observe(facts.transaction_id, now, inquiry.writes, inquiry.reads)
            if not found.unknown:
                return judge(self.rules, inquiry, found.readings, from_milliseconds(now))
            await self._filling.fill(inquiry, found.unknown, now)

    async def settle(self, facts: OrderFacts, *, at: int | None = None) -> None:
        """Complete an order, whether it was decided or not."""
        settled = replace(facts, settled_at=facts.at if at is None else at)
        self.history.known[facts.transaction_id] = settled
        writes = contributions(self.rules, settled, Phase.SETTLED)
        await self.windows.observe(settled.transaction_id, settled.settled_at or 0, writes, [])

    async def hits(self, facts: OrderFacts) -> list[str]:
        """The names of the rules that the order hits."""
        return [reason.rule for reason in (await self.decide(facts)).reasons]


class FixedRules:
    """Rules that never change."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    @property
    def current(self) -> RuleSet:
        return self._rules
