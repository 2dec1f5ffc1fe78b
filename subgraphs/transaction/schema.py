"""The GraphQL schema of the transaction service: queries and mutations over the store and `saga.Orders`."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from bank import values
from bank.scopes import ACCOUNTS, PAYMENTS, READ, STAFF
from bank.values import is_object_id
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last
from subgraphs.kit.delegated_scopes import needs_scope
from subgraphs.kit.graphql_problems import InvalidAccount, StepUpRequired
from subgraphs.kit.schema import SubgraphSchema, create_schema
from subgraphs.transaction.domain import PERMISSIONS, Operation, Order, Requester
from subgraphs.transaction.graphql_confirmation import (
    ConfirmTransactionResult,
    TransactionNotConfirmable,
    confirm_transaction,
)
from subgraphs.transaction.graphql_inputs import (
    DepositInput,
    PayInput,
    TransferInput,
    WithdrawInput,
    deposit_order,
    payment_order,
    transfer_order,
    withdrawal_order,
)
from subgraphs.transaction.graphql_notifications import (
    MarkNotificationsReadSuccess,
    Notification,
    mark_notifications_read,
    notifications_of_caller,
)
from subgraphs.transaction.graphql_problems import (
    PROBLEM_TYPES,
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    IdempotencyKeyReused,
    InsufficientFunds,
    OrderRefused,
    PaymentDeclined,
    ReceiverUnavailable,
    SameAccount,
    present_problem,
)
from subgraphs.transaction.graphql_reversal import (
    ReverseTransactionResult,
    TransactionNotReversible,
    reverse_transaction,
)
from subgraphs.transaction.graphql_review import (
    InvalidTransaction,
    ReviewResult,
    TransactionNotHeld,
    approve_transaction,
    held_transactions,
    reject_transaction,
)
from subgraphs.transaction.graphql_subscriptions import Subscription
from subgraphs.transaction.graphql_types import (
    Account,
    Info,
    Transaction,
    Where,
    create_listing,
    find,
    present,
    whole,
)
from subgraphs.transaction.idempotency import KeyScope
from subgraphs.transaction.saga import PlacedOrder
from subgraphs.transaction.store.protocol import sort_key


@strawberry.type(description="The order was accepted; the status of its transaction shows its progress.")
class TransactionSuccess:
    transaction: Transaction = strawberry.field(
        description="The transaction: COMPLETED, or PENDING or HELD until its outcome is known."
    )
    replayed: bool = strawberry.field(
        description="True if the idempotency key was used for this order before; this call then moved no money."
    )


TransferResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | ReceiverUnavailable
    | AmountLimitExceeded
    | InvalidAccount
    | SameAccount
    | PaymentDeclined
    | OrderRefused
    | IdempotencyKeyReused
    | StepUpRequired,
    strawberry.union("TransferResult", description="The result of a transfer."),
]
DepositResult = Annotated[
    TransactionSuccess
    | CurrencyMismatch
    | AccountFrozen
    | AmountLimitExceeded
    | InvalidAccount
    | PaymentDeclined
    | OrderRefused
    | IdempotencyKeyReused,
    strawberry.union("DepositResult", description="The result of a deposit."),
]
WithdrawResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | AmountLimitExceeded
    | InvalidAccount
    | PaymentDeclined
    | OrderRefused
    | IdempotencyKeyReused
    | StepUpRequired,
    strawberry.union("WithdrawResult", description="The result of a withdrawal."),
]
PayResult = Annotated[
    TransactionSuccess
    | InsufficientFunds
    | CurrencyMismatch
    | AccountFrozen
    | AmountLimitExceeded
    | InvalidAccount
    | PaymentDeclined
    | OrderRefused
    | IdempotencyKeyReused
    | StepUpRequired,
    strawberry.union("PayResult", description="The result of a payment."),
]


async def _transaction(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id of the transaction, 24 hexadecimal digits.")],  # noqa: A002 - the schema's name
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
    if not listing.filter.is_by_time_only:
        context.history_reads.begin()
    rows = await context.store.listing(listing)

    async def count() -> int:
        context.history_reads.begin()
        return await context.store.count(whole(listing))

    return context.cursors.page(listing.page, rows, sort_key, lambda row: present(row, context.caller), count)


def _scopes(operation: Operation) -> list[list[str]]:
    """Return the argument of `@requiresScopes` for an operation of staff: one of the roles suffices.

    The router's scopes are the roles of the access token (`authentication.jwt.scope_claim`).
    """
    return [[role] for role in sorted(PERMISSIONS[operation].staff)]


@strawberry.type(description=descriptions.QUERY)
class Query:
    transaction: Transaction | None = strawberry.field(
        resolver=_transaction,
        metadata=needs_scope(READ),
        description="The transaction with this id; null if it does not exist or the caller may not see it.",
    )
    transactions: Connection[Transaction] | None = strawberry.field(
        resolver=_transactions,
        metadata=needs_scope(READ),
        directives=[PAGED],
        description="The caller's transactions, or all transactions for staff; newest first.",
    )
    held_transactions: Connection[Transaction] | None = strawberry.federation.field(
        resolver=held_transactions,
        metadata=needs_scope(READ),
        directives=[PAGED],
        requires_scopes=_scopes(Operation.REVIEW),
        description="The orders that wait for a review, newest first; only staff see them.",
    )
    notifications: Connection[Notification] | None = strawberry.field(
        resolver=notifications_of_caller,
        metadata=needs_scope(READ),
        directives=[PAGED],
        description="The caller's notifications, newest first.",
    )


async def _place(info: Info, order: Order, key: str) -> Any:
    """Carry out `order`, and return its result, which is a member of the mutation's union."""
    caller, orders = info.context.caller, info.context.orders
    needed = orders.step_up.required(order)
    now = values.now()
    if needed is not None and not needed.is_met(caller, now):
        # An order that was placed before gets its result again, whatever the login is.
        used = await info.context.store.find_key(KeyScope(caller.user_id, order.type, key), now)
        if used is None:
            return StepUpRequired.of(needed)
    placed = await orders.place(order, Requester.of(caller), key)
    info.context.reset_loaders()
    if not isinstance(placed, PlacedOrder):
        return present_problem(placed)
    problem = placed.transaction.problem
    if problem is not None:
        return present_problem(problem)
    return TransactionSuccess(transaction=present(placed.transaction, caller), replayed=placed.replayed)


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
        resolver=_transfer,
        metadata=needs_scope(PAYMENTS),
        description="Transfer money from the caller's account to any account of the bank.",
    )
    deposit: DepositResult | None = strawberry.field(
        resolver=_deposit,
        metadata=needs_scope(PAYMENTS),
        description="Deposit money from outside of the bank into the caller's account.",
    )
    withdraw: WithdrawResult | None = strawberry.field(
        resolver=_withdraw, metadata=needs_scope(PAYMENTS), description="Withdraw money from the caller's account."
    )
    pay: PayResult | None = strawberry.field(
        resolver=_pay,
        metadata=needs_scope(PAYMENTS),
        description="Pay a payee outside of the bank from the caller's account.",
    )
    confirm_transaction: ConfirmTransactionResult | None = strawberry.field(
        resolver=confirm_transaction,
        description="Let a HELD order continue, as its customer, after a new proof of identity (`stepUp`). Only orders"
        " whose field `awaitsConfirmation` is true.",
    )
    approve_transaction: ReviewResult | None = strawberry.federation.field(
        resolver=approve_transaction,
        metadata=needs_scope(STAFF),
        requires_scopes=_scopes(Operation.REVIEW),
        description="Approve a HELD order, as staff. Large orders need two persons; then the order is carried out.",
    )
    reject_transaction: ReviewResult | None = strawberry.federation.field(
        resolver=reject_transaction,
        metadata=needs_scope(STAFF),
        requires_scopes=_scopes(Operation.REVIEW),
        description="Reject a HELD order, as staff. It becomes FAILED.",
    )
    reverse_transaction: ReverseTransactionResult | None = strawberry.federation.field(
        resolver=reverse_transaction,
        metadata=needs_scope(STAFF),
        requires_scopes=_scopes(Operation.REVERSE),
        description="Move the money of a COMPLETED transaction back by a new transaction, as staff.",
    )
    mark_notifications_read: MarkNotificationsReadSuccess | None = strawberry.field(
        resolver=mark_notifications_read,
        metadata=needs_scope(ACCOUNTS),
        description="Mark notifications of the caller as read.",
    )


@cache
def build_schema() -> SubgraphSchema:
    """Return the schema of the subgraph. It does not change, so all applications of the process have the same."""
    others = [Account, InvalidTransaction, TransactionNotConfirmable, TransactionNotHeld, TransactionNotReversible]
    types = [*others, *PROBLEM_TYPES]
    return create_schema(query=Query, mutation=Mutation, subscription=Subscription, types=types, entities_scope=READ)


def sdl() -> str:
    """Return the subgraph's SDL, which `router compose` reads."""
    return build_schema().as_str()
