"""The problems of the transaction service as GraphQL types."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from decimal import Decimal  # noqa: TC003 - as above
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import strawberry

from subgraphs.kit.graphql_problems import InvalidAccount, Problem, graphql_problem
from subgraphs.kit.scalars import Currency  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.transaction import problems

if TYPE_CHECKING:
    from collections.abc import Mapping


@strawberry.type(description="The debited account has less than the order asks for.")
class InsufficientFunds(Problem):
    available: Decimal = strawberry.field(description="The available balance when the order was refused.")
    requested: Decimal = strawberry.field(description="The amount of the order.")
    currency: Currency = strawberry.field(description="The currency of both amounts.")


@strawberry.type(description="The order and the account have different currencies; the bank does not convert money.")
class CurrencyMismatch(Problem):
    account_currency: Currency | None = strawberry.field(
        description="The account's currency; null in records of older releases."
    )


@strawberry.type(description="An account of the caller is frozen: it can neither pay nor receive.")
class AccountFrozen(Problem):
    account_id: strawberry.ID | None = strawberry.field(
        description="The frozen account; null in records of older releases."
    )


@strawberry.type(
    description="The receiver's account belongs to another person and cannot receive the money, for any reason."
)
class ReceiverUnavailable(Problem):
    pass


@strawberry.enum(description="What a limit of amounts is about.")
class AmountLimitKind(Enum):
    ORDER = strawberry.enum_value("ORDER", description="The amount of one order.")
    DAY = strawberry.enum_value("DAY", description="The sum of a day: deposits, or money that leaves the accounts.")
    MONTH = strawberry.enum_value("MONTH", description="The same sum of a month.")
    BALANCE = strawberry.enum_value("BALANCE", description="The balance of an account.")


@strawberry.type(description="The order would exceed a limit of the caller.")
class AmountLimitExceeded(Problem):
    kind: AmountLimitKind = strawberry.field(description="What the limit is about.")
    limit: Decimal = strawberry.field(description="The limit.")
    remaining: Decimal = strawberry.field(description="What was left of the limit when the order was refused.")
    currency: Currency = strawberry.field(description="The currency of both amounts.")
    resets_at: datetime | None = strawberry.field(
        description="When a new day or month begins; null for limits that do not depend on one."
    )


@strawberry.type(description="Source and destination of the transfer are the same account.")
class SameAccount(Problem):
    pass


@strawberry.type(description="The payment provider declines the order.")
class PaymentDeclined(Problem):
    pass


@strawberry.type(description="The bank does not carry out the order; it gives no reason.")
class OrderRefused(Problem):
    pass


@strawberry.type(description="The idempotency key was used for another order of this kind within 48 hours.")
class IdempotencyKeyReused(Problem):
    pass


AnyProblem: TypeAlias = (
    InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | ReceiverUnavailable
    | AmountLimitExceeded
    | InvalidAccount
    | SameAccount
    | PaymentDeclined
    | OrderRefused
    | IdempotencyKeyReused
)

# Maps a problem of the domain to its GraphQL type.
_TYPES: Final[Mapping[type, type[AnyProblem]]] = {
    problems.InsufficientFunds: InsufficientFunds,
    problems.CurrencyMismatch: CurrencyMismatch,
    problems.AccountFrozen: AccountFrozen,
    problems.ReceiverUnavailable: ReceiverUnavailable,
    problems.AmountLimitExceeded: AmountLimitExceeded,
    problems.InvalidAccount: InvalidAccount,
    problems.SameAccount: SameAccount,
    problems.PaymentDeclined: PaymentDeclined,
    problems.OrderRefused: OrderRefused,
    problems.IdempotencyKeyReused: IdempotencyKeyReused,
}
PROBLEM_TYPES: Final = tuple(_TYPES.values())


def present_problem(problem: problems.Problem | problems.IdempotencyKeyReused) -> Any:
    """Return the GraphQL object of a problem, one of `AnyProblem`.

    The union of the field says which problems are possible.
    """
    presented = graphql_problem(problem, _TYPES)
    if isinstance(problem, problems.AmountLimitExceeded):
        presented.kind = AmountLimitKind[problem.kind]
    return presented
