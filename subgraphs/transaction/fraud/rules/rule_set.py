"""A rules file: the rules, the action for each score, and the action if the rules cannot be evaluated."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from subgraphs.transaction.fraud.decision import MAX_SCORE, Action
from subgraphs.transaction.fraud.rules.amounts import Amounts  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.rules.kinds import AnyRule  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.rules.rule import Model, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.rules.rule import Rule

# The largest number of rules in a file. With more rules, decisions would be slow.
MAX_RULES: Final = 100
Threshold = Annotated[int, Field(ge=1, le=MAX_SCORE)]


class Thresholds(Model):
    """The smallest score for each action. If a threshold is null, no score leads to this action."""

    step_up: Threshold | None = 40
    """The score from which the customer must prove their identity again. Until that is possible, the order is held."""
    hold: Threshold | None = 65
    """The score from which the order waits for a review."""
    block: Threshold | None = 90
    """The score from which the order is refused."""

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        given = [each for each in (self.step_up, self.hold, self.block) if each is not None]
        if given != sorted(set(given)):
            raise ValueError("the thresholds must rise from step_up to hold to block")
        return self

    def action(self, score: int) -> Action:
        """Return the most severe action whose threshold the score reaches."""
        for threshold, action in ((self.block, Action.BLOCK), (self.hold, Action.HOLD), (self.step_up, Action.STEP_UP)):
            if threshold is not None and score >= threshold:
                return action
        return Action.ALLOW


class WhenUnavailable(Model):
    """The action for an order if the rules cannot be evaluated in time."""

    hold_above: Amounts
    """Orders above this amount are held, others are allowed. In a currency without an amount, all orders are held."""

    def action(self, order: OrderFacts) -> Action:
        limit = self.hold_above.units(order.currency)
        return Action.HOLD if limit is None or order.units > limit else Action.ALLOW


class _AllowWhenUnavailable(WhenUnavailable):
    """Allows every order when the rules cannot be evaluated."""

    def action(self, order: OrderFacts) -> Action:  # noqa: ARG002 - the base class needs the order
        return Action.ALLOW


def _as_text(value: object) -> object:
    """Convert a version to text, because YAML reads `version: 2` as a number and `version: 2026-11-29` as a date."""
    return str(value) if type(value) in {int, date} else value


class RuleSet(Model):
    """A rules file."""

    version: Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    """The version of the rules, as their author names it. Decisions also contain a hash of the content."""
    thresholds: Thresholds = Thresholds()
    """The smallest score for each action."""
    when_unavailable: WhenUnavailable
    """The action for orders if the rules cannot be evaluated in time."""
    rules: Annotated[tuple[AnyRule, ...], Field(max_length=MAX_RULES)]
    """The rules. The scores of all rules that are hit are added up, to at most 100."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [rule.name for rule in self.rules]
        if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
            raise ValueError(f"two rules have the name {twice!r}")
        return self

    def in_shadow_mode(self) -> RuleSet:
        """Return the same rules in shadow mode: decisions record what the rules find, and every order is allowed."""
        rules = tuple(rule.model_copy(update={"shadow": True}) for rule in self.rules)
        unavailable = _AllowWhenUnavailable.model_construct(hold_above=self.when_unavailable.hold_above)
        # A copy would also have the values that are derived from the rules of this object.
        return RuleSet.model_construct(
            version=self.version, thresholds=self.thresholds, when_unavailable=unavailable, rules=rules
        )

    def counting(self, order: OrderFacts) -> Sequence[Rule]:
        """Return the rules that count the order, in the order of the file."""
        kind = order.type, order.is_between_own_accounts
        rules = self._counting.get(kind)
        if rules is None:
            rules = self._counting[kind] = tuple(rule for rule in self.rules if rule.counts(order))
        return rules

    @cached_property
    def _counting(self) -> dict[tuple[str, bool], Sequence[Rule]]:
        """The rules that count an order, by its type and by whether it is between accounts of one user."""
        return {}

    def writers(self, phase: Phase) -> Sequence[Rule]:
        """Return the rules that may write in a phase, in the order of the file."""
        return self._writers[phase]

    @cached_property
    def _writers(self) -> Mapping[Phase, Sequence[Rule]]:
        return {phase: tuple(rule for rule in self.rules if phase in rule.phases) for phase in Phase}

    @cached_property
    def full_version(self) -> str:
        """The version and the first digits of a hash of the content: `2026-11-29+1a2b3c4d`."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]
        return f"{self.version}+{digest}"
