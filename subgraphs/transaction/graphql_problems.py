"""The refusals of the transaction service as GraphQL types."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal  # noqa: TC003 - strawberry reads annotations at run time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import strawberry

from subgraphs.kit.problems import Problem
from subgraphs.kit.scalars import Currency  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.transaction import problems

if TYPE_CHECKING:
    from collections.abc import Mapping


@strawberry.type(description="The debited account has less than the order asks for.")
class InsufficientFunds(Problem):
    available: Decimal = strawberry.field(description="What the account could spend when the order was refused.")
    requested: Decimal = strawberry.field(description="What the order asked for.")
    currency: Currency = strawberry.field(description="Of both amounts.")


@strawberry.type(description="The order's currency is not the account's; nothing is ever converted.")
class CurrencyMismatch(Problem):
    account_currency: Currency | None = strawberry.field(
        description="The currency of the caller's account; null when it is another person's account that differs."
    )


@strawberry.type(description="One of the accounts is frozen: it neither pays nor receives.")
class AccountFrozen(Problem):
    account_id: strawberry.ID | None = strawberry.field(
        description="The caller's frozen account; null when it is another person's."
    )


@strawberry.federation.type(
    shareable=True, description="No such account, or none that the caller may use, or one that is closed."
)
class InvalidAccount(Problem):
    account_id: strawberry.ID = strawberry.field(description="The account as it was named.")
    reason: str | None = strawberry.field(description="Why, for those who may see the account; else null.")


@strawberry.type(description="Source and destination of the transfer are one account.")
class SameAccount(Problem):
    pass


@strawberry.type(description="The payment provider does not carry the order out.")
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

# Domain -> GraphQL; a pair has the same fields.
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
    """The GraphQL object, one of :data:`AnyProblem`; the field's union says which ones may come."""
    facts = {field.name: getattr(problem, field.name) for field in fields(problem)}
    return _TYPES[type(problem)](code=problem.code, message=problem.message, **facts)
