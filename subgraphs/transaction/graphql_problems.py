"""The problems of the transaction service as GraphQL types."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - strawberry reads annotations at run time
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
        description="The account's currency; null if the account belongs to another person."
    )


@strawberry.type(description="One of the accounts is frozen: it can neither pay nor receive.")
class AccountFrozen(Problem):
    account_id: strawberry.ID | None = strawberry.field(
        description="The frozen account; null if it belongs to another person."
    )


@strawberry.type(description="Source and destination of the transfer are the same account.")
class SameAccount(Problem):
    pass


@strawberry.type(description="The payment provider declines the order.")
class PaymentDeclined(Problem):
    pass


@strawberry.type(description="The idempotency key was used for another order of this kind within 48 hours.")
class IdempotencyKeyReused(Problem):
    pass


AnyProblem: TypeAlias = (
    InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | InvalidAccount
    | SameAccount
    | PaymentDeclined
    | IdempotencyKeyReused
)

# Domain -> GraphQL.
_TYPES: Final[Mapping[type, type[AnyProblem]]] = {
    problems.InsufficientFunds: InsufficientFunds,
    problems.CurrencyMismatch: CurrencyMismatch,
    problems.AccountFrozen: AccountFrozen,
    problems.InvalidAccount: InvalidAccount,
    problems.SameAccount: SameAccount,
    problems.PaymentDeclined: PaymentDeclined,
    problems.IdempotencyKeyReused: IdempotencyKeyReused,
}
PROBLEM_TYPES: Final = tuple(_TYPES.values())


def present_problem(problem: problems.Problem | problems.IdempotencyKeyReused) -> Any:
    """The GraphQL object, one of `AnyProblem`; the union of the field says which ones are possible."""
    return graphql_problem(problem, _TYPES)
