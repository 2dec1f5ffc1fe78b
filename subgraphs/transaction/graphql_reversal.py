"""The reversal of a transaction by the staff, in GraphQL (bank §2.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast

import strawberry

from bank.values import is_object_id
from servicekit.errors import BadUserInput, Forbidden
from subgraphs.kit.graphql_problems import InvalidAccount, Problem
from subgraphs.transaction.domain import PERMISSIONS, Operation, Requester
from subgraphs.transaction.graphql_problems import (
    IdempotencyKeyReused,
    InsufficientFunds,
    PaymentDeclined,
    ReceiverUnavailable,
    present_problem,
)
from subgraphs.transaction.graphql_review import InvalidTransaction, invalid_transaction
from subgraphs.transaction.graphql_types import Info, Transaction, present
from subgraphs.transaction.idempotency import is_key
from subgraphs.transaction.reversal import NotReversible
from subgraphs.transaction.saga import PlacedOrder
from subgraphs.transaction.staff_operations import reversal

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Transaction as Original
    from subgraphs.transaction.problems import IdempotencyKeyReused as KeyReused

NOT_REVERSIBLE: Final = "TRANSACTION_NOT_REVERSIBLE"


@strawberry.input(description="The transaction to reverse, in whole.")
class ReverseTransactionInput:
    transaction_id: strawberry.ID = strawberry.field(description="The id of the transaction, 24 hexadecimal digits.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 visible ASCII characters. Within 48 hours the same key never moves money twice."
    )


@strawberry.type(description="The reversal was accepted; its status shows its progress.")
class ReversalSuccess:
    reversal: Transaction = strawberry.field(
        description="The new transaction: COMPLETED, or PENDING until its outcome is known."
    )
    replayed: bool = strawberry.field(
        description="True if the idempotency key was used for this reversal before; this call then moved no money."
    )


@strawberry.type(description="The transaction cannot be reversed: it moved no money, or is reversed, or a reversal.")
class TransactionNotReversible(Problem):
    transaction: Transaction = strawberry.field(description="The transaction.")


ReverseTransactionResult = Annotated[
    ReversalSuccess
    | TransactionNotReversible
    | InvalidTransaction
    | InsufficientFunds
    | InvalidAccount
    | ReceiverUnavailable
    | PaymentDeclined
    | IdempotencyKeyReused,
    strawberry.union("ReverseTransactionResult", description="The result of a reversal."),
]


async def reverse_transaction(
    info: Info,
    input: Annotated[ReverseTransactionInput, strawberry.argument(description="The transaction.")],  # noqa: A002 - the schema's name
) -> ReverseTransactionResult | None:
    return cast("ReverseTransactionResult", await _reverse(info, str(input.transaction_id), input.idempotency_key))


async def _reverse(info: Info, transaction_id: str, key: str) -> object:
    context = info.context
    if not PERMISSIONS[Operation.REVERSE].allows_staff(context.caller):
        raise Forbidden("Only staff reverse transactions")
    if not is_key(key):
        wrong = {
            "path": ["input", "idempotencyKey"],
            "code": "INVALID_FORMAT",
            "message": "must be 1 to 255 visible ASCII characters",
        }
        raise BadUserInput(details={"fields": [wrong]})
    found = (await context.store.by_ids([transaction_id])).get(transaction_id) if is_object_id(transaction_id) else None
    if found is None:
        return invalid_transaction(transaction_id)
    placed = await _recorded(info, found, key)
    if placed is None:
        context.reset_loaders()
        newest = (await context.store.by_ids([transaction_id]))[transaction_id]
        return TransactionNotReversible(
            code=NOT_REVERSIBLE,
            message="The transaction cannot be reversed",
            transaction=present(newest, context.caller),
        )
    context.reset_loaders()
    if not isinstance(placed, PlacedOrder):
        return present_problem(placed)
    if placed.transaction.problem is not None:
        return present_problem(placed.transaction.problem)
    return ReversalSuccess(reversal=present(placed.transaction, context.caller), replayed=placed.replayed)


async def _recorded(info: Info, original: Original, key: str) -> PlacedOrder | KeyReused | None:
    """Order a reversal between the two entries in the audit log. Return None if `original` cannot be reversed."""
    context = info.context
    async with context.audit.recording(reversal(context.caller.user_id, original.id, key)) as record:
        try:
            placed = await context.orders.reverse(original, Requester.of(context.caller), key)
        except NotReversible:
            record.refused(NOT_REVERSIBLE)
            return None
        if not isinstance(placed, PlacedOrder):
            record.refused(placed.code)
        elif placed.transaction.problem is not None:
            record.refused(placed.transaction.problem.code)
        else:
            record.done(reversal=placed.transaction.id)
        return placed
