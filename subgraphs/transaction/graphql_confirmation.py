"""The confirmation of an order by its customer, in GraphQL (bank §2.17)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from bank import values
from bank.values import is_object_id
from subgraphs.kit.graphql_problems import Problem, StepUpRequired
from subgraphs.transaction.graphql_review import InvalidTransaction, TransactionId, invalid_transaction
from subgraphs.transaction.graphql_types import Info, Transaction, present
from subgraphs.transaction.step_up import NotConfirmable, StepUpNeeded, confirmed


@strawberry.type(description="The order was confirmed.")
class ConfirmTransactionSuccess:
    transaction: Transaction = strawberry.field(
        description="The transaction: COMPLETED, PENDING until its outcome is known, or FAILED with its problem."
    )


@strawberry.type(
    description="The transaction does not wait for its customer: it is not HELD, the bank's staff decide about it, or"
    " the second factor was enrolled after the order."
)
class TransactionNotConfirmable(Problem):
    transaction: Transaction = strawberry.field(description="The transaction.")


ConfirmTransactionResult = Annotated[
    ConfirmTransactionSuccess | StepUpRequired | TransactionNotConfirmable | InvalidTransaction,
    strawberry.union("ConfirmTransactionResult", description="The result of a confirmation."),
]


async def confirm_transaction(
    info: Info,
    id: TransactionId,  # noqa: A002 - the schema's name
) -> ConfirmTransactionResult | None:
    context, transaction_id = info.context, str(id)
    caller = context.caller
    found = (await context.store.by_ids([transaction_id])).get(transaction_id) if is_object_id(transaction_id) else None
    if found is None or not found.visible_to(caller):
        return invalid_transaction(transaction_id)
    rule = context.orders.step_up
    decide = partial(confirmed, caller=caller, rule=rule, at=values.now())
    try:
        carried_out = await context.orders.review(found.id, decide, by=caller.user_id)
    except StepUpNeeded:
        return StepUpRequired.of(rule.login)
    except NotConfirmable:
        newest = (await context.store.by_ids([transaction_id]))[transaction_id]
        return TransactionNotConfirmable(
            code="TRANSACTION_NOT_CONFIRMABLE",
            message="This order does not wait for your confirmation",
            transaction=present(newest, caller),
        )
    finally:
        context.reset_loaders()
    return ConfirmTransactionSuccess(transaction=present(carried_out, caller))
