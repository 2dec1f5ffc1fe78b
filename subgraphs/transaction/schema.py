"""The GraphQL schema of the transaction service: thin types over :mod:`subgraphs.transaction.saga` and the store."""

from __future__ import annotations

from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from bank.values import is_object_id
from subgraphs.kit import descriptions
from subgraphs.kit.connections import Connection  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.kit.schema import SubgraphSchema, create_schema
from subgraphs.transaction.domain import Order, Requester
from subgraphs.transaction.graphql_problems import (
    PROBLEM_TYPES,
    AccountFrozen,
    CurrencyMismatch,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidAccount,
    PaymentDeclined,
    SameAccount,
    present_problem,
)
from subgraphs.transaction.graphql_types import (
    PAGED,
    Account,
    After,
    Before,
    First,
    Info,
    Last,
    Transaction,
    Where,
    create_listing,
    find,
    present,
    whole,
)
from subgraphs.transaction.inputs import (
    DepositInput,
    PayInput,
    TransferInput,
    WithdrawInput,
    deposit_order,
    payment_order,
    transfer_order,
    withdrawal_order,
)
from subgraphs.transaction.saga import PlacedOrder
from subgraphs.transaction.store.protocol import sort_key


@strawberry.type(description="The order was taken; its transaction says how far it has come.")
class TransactionSuccess:
    transaction: Transaction = strawberry.field(description="COMPLETED, or PENDING or HELD: then ask again later.")
    replayed: bool = strawberry.field(
        description="Whether the idempotency key stood for this order before, so that this call moved nothing."
    )


TransferResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | InvalidAccount
    | SameAccount
    | PaymentDeclined
    | IdempotencyKeyReused,
    strawberry.union("TransferResult", description="What became of a transfer."),
]
DepositResult = Annotated[
    TransactionSuccess | CurrencyMismatch | AccountFrozen | InvalidAccount | PaymentDeclined | IdempotencyKeyReused,
    strawberry.union("DepositResult", description="What became of a deposit."),
]
WithdrawResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | InvalidAccount
    | PaymentDeclined
    | IdempotencyKeyReused,
    strawberry.union("WithdrawResult", description="What became of a withdrawal."),
]
PayResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | InvalidAccount
    | PaymentDeclined
    | IdempotencyKeyReused,
    strawberry.union("PayResult", description="What became of a payment."),
]


async def _transaction(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="24 hex digits.")],  # noqa: A002 - the schema's name
) -> Transaction | None:
    info.context.caller  # noqa: B018 - raises Unauthenticated
    return await find(info.context, str(id)) if is_object_id(str(id)) else None


async def _transactions(  # noqa: PLR0913, PLR0917 - Relay's arguments
    info: Info,
    filter: Where = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Transaction] | None:
    context = info.context
    listing = create_listing(context, filter, context.cursors.request(first, after, last, before))
    rows = await context.store.listing(listing)

    async def count() -> int:
        return await context.store.count(whole(listing))

    return context.cursors.page(listing.page, rows, sort_key, lambda row: present(row, context.caller), count)


@strawberry.type(description=descriptions.QUERY)
class Query:
    transaction: Transaction | None = strawberry.field(
        resolver=_transaction, description="One transaction; null when the caller may not see it or it does not exist."
    )
    transactions: Connection[Transaction] | None = strawberry.field(
        resolver=_transactions,
        directives=[PAGED],
        description="The caller's transactions, or everyone's for staff; newest first.",
    )


async def _place(info: Info, order: Order, key: str) -> Any:
    """What became of ``order``, as a member of its mutation's union."""
    caller = info.context.caller
    answer = await info.context.orders.place(order, Requester.of(caller), key)
    info.context.forget()
    if not isinstance(answer, PlacedOrder):
        return present_problem(answer)
    problem = answer.transaction.problem
    if problem is not None:
        return present_problem(problem)
    return TransactionSuccess(transaction=present(answer.transaction, caller), replayed=answer.replayed)


async def _transfer(
    info: Info,
    input: Annotated[TransferInput, strawberry.argument(description="The order.")],  # noqa: A002 - the schema's name
) -> TransferResult | None:
    return cast("TransferResult", await _place(info, transfer_order(input), input.idempotency_key))


async def _deposit(
    info: Info,
    input: Annotated[DepositInput, strawberry.argument(description="The order.")],  # noqa: A002 - the schema's name
) -> DepositResult | None:
    return cast("DepositResult", await _place(info, deposit_order(input), input.idempotency_key))


async def _withdraw(
    info: Info,
    input: Annotated[WithdrawInput, strawberry.argument(description="The order.")],  # noqa: A002 - the schema's name
) -> WithdrawResult | None:
    return cast("WithdrawResult", await _place(info, withdrawal_order(input), input.idempotency_key))


async def _pay(
    info: Info,
    input: Annotated[PayInput, strawberry.argument(description="The order.")],  # noqa: A002 - the schema's name
) -> PayResult | None:
    return cast("PayResult", await _place(info, payment_order(input), input.idempotency_key))


@strawberry.type(description=descriptions.MUTATION)
class Mutation:
    transfer: TransferResult | None = strawberry.field(
        resolver=_transfer, description="Move money from the caller's account to any account of the bank."
    )
    deposit: DepositResult | None = strawberry.field(
        resolver=_deposit, description="Bring money from outside of the bank into the caller's account."
    )
    withdraw: WithdrawResult | None = strawberry.field(
        resolver=_withdraw, description="Take money out of the caller's account and the bank."
    )
    pay: PayResult | None = strawberry.field(
        resolver=_pay, description="Pay somebody outside of the bank from the caller's account."
    )


def build_schema() -> SubgraphSchema:
    return create_schema(query=Query, mutation=Mutation, types=[Account, *PROBLEM_TYPES])


def sdl() -> str:
    """The subgraph's SDL, as ``router compose`` reads it."""
    return build_schema().as_str()
