"""The base class of all kinds of rules.

A rule measures past orders with series (`windows.series`). Two functions return the series that a rule needs for an
order:

- `writes`: what the order adds to the series. This happens when the order is given (`Phase.ORDERED`), or when its money
  has moved (`Phase.SETTLED`).
- `reads`: what must be read from the series to judge the order.

`judge` then gets the readings, which already include the order itself.
"""

from __future__ import annotations

from abc import abstractmethod
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bank.values import from_minor_units
from subgraphs.transaction.fraud.decision import MAX_SCORE, Action
from subgraphs.transaction.fraud.rules.amounts import Amounts  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.transaction.fraud.windows.series import Scope, ScopeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.windows.series import Read, Reading, Write

OrderType = Literal["TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT"]
OrderTypes = Annotated[tuple[OrderType, ...], Field(min_length=1)]
OUTGOING: Final[tuple[OrderType, ...]] = ("TRANSFER", "PAYMENT", "WITHDRAWAL")
# The types of orders that have a counterparty.
TO_SOMEBODY: Final[tuple[OrderType, ...]] = ("TRANSFER", "PAYMENT")


class Phase(StrEnum):
    """When an order is added to a series: after it was placed (ORDERED), or after its money has moved (SETTLED)."""

    ORDERED = "ordered"
    SETTLED = "settled"


class Model(BaseModel):
    """The base class of the parts of a rules file. They are immutable and refuse unknown keys.

    The docstring below a key is its description in the JSON Schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re", use_attribute_docstrings=True)


class Rule(Model):
    """The keys that every rule has."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    """The name of the rule in decisions: small letters, digits and hyphens."""
    kind: str
    """The kind of the rule, such as `velocity_count`."""
    score: Annotated[int, Field(ge=0, le=MAX_SCORE)] = 0
    """If an order hits the rule, this number is added to the order's score."""
    action: Literal["step_up", "hold", "block"] | None = None
    """The least severe action for an order that hits the rule, even if the score of the order is low."""
    shadow: bool = False
    """Whether the rule is only observed. Its hits are recorded, but they change neither the score nor the action."""
    types: OrderTypes = OUTGOING
    """The types of orders that the rule judges and counts."""
    min_amount: Amounts | None = None
    """The rule judges only orders of this amount or more."""
    own_accounts: bool = False
    """Whether the rule also judges and counts transfers between accounts of the same user."""

    @property
    def least_action(self) -> Action:
        return Action(self.action.upper()) if self.action else Action.ALLOW

    def counts(self, order: OrderFacts) -> bool:
        """Whether the rule counts the order. This depends on `types` and `own_accounts`."""
        return order.type in self.types and (self.own_accounts or not order.is_between_own_accounts)

    def is_large_enough(self, order: OrderFacts) -> bool:
        """Whether the amount is not below `min_amount`. Of the orders that the rule counts, it judges only these."""
        if self.min_amount is None:
            return True
        least = self.min_amount.units(order.currency)
        return least is not None and order.units >= least

    @cached_property
    def filter_name(self) -> str:
        """The part of a series name that contains the filter of the rule. Rules with the same filter share a series."""
        return f"{','.join(sorted(self.types))} {'own' if self.own_accounts else 'others'}"

    @property
    def phases(self) -> Collection[Phase]:
        """The phases in which the rule may write. The rule is not asked for writes in other phases."""
        return ()

    def writes(self, order: OrderFacts, phase: Phase) -> Iterable[Write]:
        """Return what the order adds to the series in this phase: nothing if the rule does not count the order."""
        del order, phase
        return ()

    def reads(self, order: OrderFacts) -> Sequence[Read]:
        """Return the reads that `judge` needs for `order`."""
        del order
        return ()

    @abstractmethod
    def judge(self, order: OrderFacts, readings: Sequence[Reading]) -> Mapping[str, str | int] | None:
        """Return the observed values (see `Reason.observed`) if the order hits the rule, otherwise None.

        Args:
            order: an order that the rule judges.
            readings: the result of each read of `reads`, in the same order.
        """


def time_of(order: OrderFacts, phase: Phase) -> int:
    """Return the time at which the order was given, or at which its money moved, in milliseconds since 1970."""
    return order.settled_at if phase is Phase.SETTLED and order.settled_at is not None else order.at


def user_scope(order: OrderFacts) -> Scope:
    return Scope(ScopeKind.USER, order.user_id)


def account_scope(account_id: str) -> Scope:
    return Scope(ScopeKind.ACCOUNT, account_id)


def amount_text(units: int, currency: str) -> str:
    """Return an amount as in the API, with its currency: `12.50 EUR`."""
    return f"{from_minor_units(units, currency):f} {currency}"
