"""Evaluates rules on past orders: which orders they would have held or blocked, and how many of these were fraud."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from subgraphs.kit.times import from_milliseconds
from subgraphs.transaction.fraud.decision import Action
from subgraphs.transaction.fraud.evaluation import contributions, inquire, judge
from subgraphs.transaction.fraud.rules.rule import Phase
from subgraphs.transaction.fraud.windows.memory import MemoryWindows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.fraud.orders_file import PastOrder
    from subgraphs.transaction.fraud.rules.rule_set import RuleSet

Label = bool | None


@dataclass(slots=True)
class RuleResult:
    """How many orders hit a rule, by the label of the order (fraud, legitimate or unknown).

    Attributes:
        alone: how many of these orders hit no other rule. Shadow rules are not counted as other rules.
    """

    name: str
    kind: str
    shadow: bool
    hits: Counter[Label] = field(default_factory=Counter)
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Confusion:
    """The confusion matrix of the labelled orders. An order is flagged if the action is not ALLOW."""

    flagged_fraud: int
    allowed_fraud: int
    flagged_legitimate: int
    allowed_legitimate: int

    @property
    def precision(self) -> float | None:
        """The share of the flagged orders that are fraud, from 0 to 1; None if no order was flagged."""
        return _share(self.flagged_fraud, self.flagged_fraud + self.flagged_legitimate)

    @property
    def recall(self) -> float | None:
        """The share of the fraudulent orders that were flagged, from 0 to 1; None if no order is fraud."""
        return _share(self.flagged_fraud, self.flagged_fraud + self.allowed_fraud)


@dataclass(slots=True)
class BacktestResult:
    """The result for a file of orders. `actions` counts decisions by action and label."""

    rules_version: str
    rules: dict[str, RuleResult]
    actions: Counter[tuple[Action, Label]] = field(default_factory=Counter)

    @property
    def orders(self) -> int:
        return self.actions.total()

    def labelled(self, label: Label) -> int:
        return sum(count for (_, each), count in self.actions.items() if each is label)

    @property
    def confusion(self) -> Confusion:
        def count(label: Label, *, flagged: bool) -> int:
            return sum(
                number
                for (action, each), number in self.actions.items()
                if each is label and (action is not Action.ALLOW) is flagged
            )

        return Confusion(
            count(True, flagged=True),
            count(True, flagged=False),
            count(False, flagged=True),
            count(False, flagged=False),
        )

    def add(self, order: PastOrder, decision: Decision) -> None:
        label = order.is_fraud
        self.actions[decision.action, label] += 1
        hits = [reason for reason in decision.reasons if not reason.shadow]
        for reason in decision.reasons:
            self.rules[reason.rule].hits[label] += 1
        if len(hits) == 1:
            self.rules[hits[0].rule].alone += 1


async def decisions(rules: RuleSet, orders: Iterable[PastOrder]) -> AsyncIterator[tuple[PastOrder, Decision]]:
    """Yield each order with the decision that the rules would have made at the time of the order.

    `orders` must be sorted by time.
    """
    windows = MemoryWindows.of_everything()
    for order in orders:
        facts = order.facts
        inquiry = inquire(rules, facts)
        found = await windows.observe(facts.transaction_id, facts.at, inquiry.writes, inquiry.reads)
        decision = judge(rules, inquiry, found.readings, from_milliseconds(facts.at))
        yield order, decision
        is_completed = decision.action is Action.ALLOW if order.is_completed is None else order.is_completed
        if is_completed:
            writes = contributions(rules, replace(facts, settled_at=facts.at), Phase.SETTLED)
            await windows.observe(facts.transaction_id, facts.at, writes, [])


async def backtest(rules: RuleSet, orders: Iterable[PastOrder]) -> BacktestResult:
    """Decide about the orders, and count the results. `orders` must be sorted by time."""
    results = {rule.name: RuleResult(rule.name, rule.kind, rule.shadow) for rule in rules.rules}
    result = BacktestResult(rules.full_version, results)
    async for order, decision in decisions(rules, orders):
        result.add(order, decision)
    return result


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
