"""Evaluates the rules for one order: what must be read from the windows, and which decision follows from it.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subgraphs.transaction.fraud.decision import MAX_SCORE, Decision, Reason, Unavailability
from subgraphs.transaction.fraud.rules.rule import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.rules.rule import Rule
    from subgraphs.transaction.fraud.rules.rule_set import RuleSet
    from subgraphs.transaction.fraud.windows.series import Read, Reading, Write


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The writes and reads of series that are needed to judge one order.

    Attributes:
        judging: the rules that judge the order. Each comes with the slice of `reads` that contains its own reads.
    """

    order: OrderFacts
    writes: tuple[Write, ...]
    reads: tuple[Read, ...]
    judging: tuple[tuple[Rule, slice], ...]


def inquire(rules: RuleSet, order: OrderFacts) -> Inquiry:
    """Return what must be written to the windows and read from them, so that the order can be judged."""
    reads: list[Read] = []
    judging: list[tuple[Rule, slice]] = []
    for rule in rules.counting(order):
        if rule.is_large_enough(order):
            begin = len(reads)
            reads += rule.reads(order)
            judging.append((rule, slice(begin, len(reads))))
    return Inquiry(order, contributions(rules, order, Phase.ORDERED), tuple(reads), tuple(judging))


def contributions(rules: RuleSet, order: OrderFacts, phase: Phase) -> tuple[Write, ...]:
    """Return what the order adds to the series. If several rules use the same series, the order is added only once."""
    writes: dict[Write, None] = {}
    for rule in rules.writers(phase):
        for write in rule.writes(order, phase):
            writes[write] = None
    return tuple(writes)


def judge(rules: RuleSet, inquiry: Inquiry, readings: Sequence[Reading], decided_at: datetime) -> Decision:
    """Return the decision about the order. `readings` contains the result of each read of the inquiry."""
    reasons = []
    for rule, place in inquiry.judging:
        observed = rule.judge(inquiry.order, readings[place])
        if observed is not None:
            reasons.append(Reason(rule.name, rule.kind, rule.score, rule.least_action, rule.shadow, observed))
    hits = [reason for reason in reasons if not reason.shadow]
    score = min(MAX_SCORE, sum(reason.score for reason in hits))
    actions = [rules.thresholds.action(score), *(reason.action for reason in hits)]
    action = max(actions, key=lambda each: each.severity)
    return Decision(action, score, rules.full_version, tuple(reasons), decided_at)


def decide_without_rules(rules: RuleSet, order: OrderFacts, why: Unavailability, decided_at: datetime) -> Decision:
    """Return the configured default decision. `why` is the reason why the rules could not be evaluated."""
    return Decision(rules.when_unavailable.action(order), 0, rules.full_version, (), decided_at, why)
