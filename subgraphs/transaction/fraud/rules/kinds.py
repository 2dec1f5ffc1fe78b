"""The kinds of rules, by the name that a rules file gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from subgraphs.transaction.fraud.rules.account_behaviour import DormantAccount, NightHours, RapidInAndOut
from subgraphs.transaction.fraud.rules.counterparties import Duplicate, FanIn, FanOut, NewPayee
from subgraphs.transaction.fraud.rules.unusual_amounts import (
    AmountOverMean,
    FirstLargePayment,
    LargeAmount,
    Structuring,
)
from subgraphs.transaction.fraud.rules.velocity import VelocityCount, VelocitySum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subgraphs.transaction.fraud.rules.rule import Rule

AnyRule = Annotated[
    VelocityCount
    | VelocitySum
    | LargeAmount
    | AmountOverMean
    | FirstLargePayment
    | Structuring
    | NewPayee
    | Duplicate
    | FanOut
    | FanIn
    | RapidInAndOut
    | DormantAccount
    | NightHours,
    Field(discriminator="kind"),
]

KINDS: Final[Mapping[str, type[Rule]]] = {
    "velocity_count": VelocityCount,
    "velocity_sum": VelocitySum,
    "large_amount": LargeAmount,
    "amount_over_mean": AmountOverMean,
    "first_large_payment": FirstLargePayment,
    "structuring": Structuring,
    "new_payee": NewPayee,
    "duplicate": Duplicate,
    "fan_out": FanOut,
    "fan_in": FanIn,
    "rapid_in_and_out": RapidInAndOut,
    "dormant_account": DormantAccount,
    "night_hours": NightHours,
}
