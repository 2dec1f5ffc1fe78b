"""The queue of HELD orders, and the decisions of reviewers, in GraphQL (bank §2.17)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, cast

import strawberry
from strawberry import UNSET

from bank import values
from bank.staff_operations import AuditAction
from bank.values import is_object_id
from servicekit.errors import Forbidden
from subgraphs.kit.connections import After, Before, Connection, First, Last  # noqa: TC001 - strawberry reads annotations
from subgraphs.kit.graphql_problems import Problem
from subgraphs.transaction.domain import PERMISSIONS, Operation, TransactionStatus
from subgraphs.transaction.graphql_types import Info, Transaction, present
from subgraphs.transaction.review import NotHeld, approved, rejected
from subgraphs.transaction.staff_operations import review
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key

if TYPE_CHECKING:
    from bank.staff_operations import StaffOperation
    from subgraphs.transaction.domain import Transaction as Order
    from subgraphs.transaction.store.protocol import Change

NOT_HELD: Final = "TRANSACTION_NOT_HELD"
_HELD = Filter(statuses=frozenset({TransactionStatus.HELD}))


@strawberry.type(description="A reviewer's decision was recorded.")
class ReviewSuccess:
    transaction: Transaction = strawberry.field(
        description="The transaction: HELD while it needs the approval of another person."
    )
    approvals: int = strawberry.field(description="How many persons have approved the order.")
    approvals_needed: int = strawberry.field(description="How many persons must approve the order.")


@strawberry.type(description="The transaction does not exist.")
class InvalidTransaction(Problem):
    transaction_id: strawberry.ID = strawberry.field(description="The id, as the caller gave it.")


@strawberry.type(description="The transaction does not wait for a review.")
class TransactionNotHeld(Problem):
    transaction: Transaction = strawberry.field(description="The transaction.")


ReviewResult = Annotated[
    ReviewSuccess | TransactionNotHeld | InvalidTransaction,
    strawberry.union("ReviewResult", description="The result of a review."),
]
TransactionId = Annotated[
    strawberry.ID, strawberry.argument(description="The id of the HELD transaction, 24 hexadecimal digits.")
]


async def held_transactions(
    info: Info, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Connection[Transaction] | None:
    context = info.context
    _require_staff(info)
    listing = Listing(None, _HELD, context.cursors.request(first, after, last, before))
    rows = await context.store.listing(listing)

    async def count() -> int:
        return await context.store.count(Listing(None, _HELD))

    return context.cursors.page(listing.page, rows, sort_key, lambda row: present(row, context.caller), count)


async def approve_transaction(info: Info, id: TransactionId) -> ReviewResult | None:  # noqa: A002 - the schema's name
    caller, rule = info.context.caller, info.context.orders.four_eyes
    decide = partial(approved, reviewer=caller, rule=rule, at=values.now())
    return cast("ReviewResult", await _review(info, str(id), AuditAction.TRANSACTION_APPROVED, decide))


async def reject_transaction(info: Info, id: TransactionId) -> ReviewResult | None:  # noqa: A002 - the schema's name
    decide = partial(rejected, reviewer=info.context.caller, at=values.now())
    return cast("ReviewResult", await _review(info, str(id), AuditAction.TRANSACTION_REJECTED, decide))


def _require_staff(info: Info) -> None:
    if not PERMISSIONS[Operation.REVIEW].allows_staff(info.context.caller):
        raise Forbidden("Only staff review orders")


def invalid_transaction(transaction_id: str) -> InvalidTransaction:
    """Return the problem of a transaction that does not exist. `transaction_id` is the id that the caller gave."""
    return InvalidTransaction(
        code="INVALID_TRANSACTION", message="Transaction not found", transaction_id=strawberry.ID(transaction_id)
    )


async def _review(info: Info, transaction_id: str, action: AuditAction, decide: Change) -> object:
    context = info.context
    _require_staff(info)
    found = (await context.store.by_ids([transaction_id])).get(transaction_id) if is_object_id(transaction_id) else None
    if found is None:
        return invalid_transaction(transaction_id)
    reviewed = await _recorded(info, review(action, context.caller.user_id, found.id), decide)
    if reviewed is None:
        context.reset_loaders()
        newest = (await context.store.by_ids([transaction_id]))[transaction_id]
        return TransactionNotHeld(
            code=NOT_HELD,
            message="The transaction does not wait for a review",
            transaction=present(newest, context.caller),
        )
    context.reset_loaders()
    return ReviewSuccess(
        transaction=present(reviewed, context.caller),
        approvals=len(reviewed.approvals),
        approvals_needed=context.orders.four_eyes.needed(reviewed),
    )


async def _recorded(info: Info, operation: StaffOperation, decide: Change) -> Order | None:
    """Decide about an order between the two entries in the audit log. Return None if the order is not HELD."""
    async with info.context.audit.recording(operation) as record:
        try:
            reviewed = await info.context.orders.review(operation.subject_id, decide, by=operation.actor)
        except NotHeld:
            record.refused(NOT_HELD)
            return None
        record.done()
        return reviewed
