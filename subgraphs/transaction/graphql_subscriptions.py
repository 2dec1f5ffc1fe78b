"""The subscriptions of the transaction service."""

from __future__ import annotations

from collections.abc import AsyncGenerator  # noqa: TC003 - strawberry reads annotations at run time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import strawberry

from bank.scopes import READ
from subgraphs.kit import descriptions
from subgraphs.kit.delegated_scopes import needs_scope
from subgraphs.transaction import domain
from subgraphs.transaction.events import RECORDED, STATUS_CHANGED
from subgraphs.transaction.graphql_types import Info, Transaction, present

if TYPE_CHECKING:
    from subgraphs.kit.outbox import Event

AccountId = Annotated[strawberry.ID, strawberry.argument(description="The id of the account, 24 hexadecimal digits.")]


async def _transaction_updated(info: Info, account_id: AccountId) -> AsyncGenerator[Transaction, None]:
    context, caller = info.context, info.context.caller
    async with context.feed.follow(str(account_id)) as events:
        context.established.set()
        async for event in events:
            if event.type in {RECORDED, STATUS_CHANGED}:
                found = (await context.store.by_ids([event.subject])).get(event.subject)
                if found is not None and (record := as_of(event, found)).visible_to(caller):
                    yield present(record, caller)


def as_of(event: Event, transaction: domain.Transaction) -> domain.Transaction:
    """Return the transaction with the status that it had after an event.

    Meanwhile, its status may have changed again. With the status of the event, a client sees each status once.
    """
    status = domain.TransactionStatus(str(event.data["status"]))
    problem = transaction.problem if status is domain.TransactionStatus.FAILED else None
    return replace(transaction, status=status, problem=problem, updated_at=event.time)


@strawberry.type(description=descriptions.SUBSCRIPTION)
class Subscription:
    transaction_updated: AsyncGenerator[Transaction, None] = strawberry.subscription(
        resolver=_transaction_updated,
        metadata=needs_scope(READ),
        description="A transaction of the account that the caller may see, when it is recorded and at each new status.",
    )
