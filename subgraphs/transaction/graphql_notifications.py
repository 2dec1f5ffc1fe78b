"""The notifications of the caller in GraphQL."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final

import strawberry
from strawberry import UNSET

from bank import values
from servicekit.errors import BadUserInput
from subgraphs.kit.connections import After, Before, Connection, First, Last  # noqa: TC001 - strawberry reads annotations
from subgraphs.kit.pages import MAX_PAGE
from subgraphs.transaction.graphql_types import Info, Transaction, find
from subgraphs.transaction.notifications import sort_key

if TYPE_CHECKING:
    from subgraphs.transaction import notifications

# How many ids `markNotificationsRead` takes: the ids of one page.
MAX_IDS: Final = MAX_PAGE

UnreadOnly = Annotated[bool, strawberry.argument(description="Whether only unread notifications are listed.")]
Ids = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description="At most 100 ids; all unread notifications if it is absent or null."),
]


@strawberry.enum(description="What a notification is about.")
class NotificationKind(Enum):
    MONEY_RECEIVED = strawberry.enum_value("MONEY_RECEIVED", description="Another person's money has arrived.")
    TRANSACTION_COMPLETED = strawberry.enum_value(
        "TRANSACTION_COMPLETED", description="The money of the caller's order has moved."
    )
    TRANSACTION_FAILED = strawberry.enum_value("TRANSACTION_FAILED", description="The caller's order was refused.")
    TRANSACTION_HELD = strawberry.enum_value("TRANSACTION_HELD", description="The caller's order waits for a review.")
    TRANSACTION_REVERSED = strawberry.enum_value(
        "TRANSACTION_REVERSED", description="The money of a transaction has moved back."
    )


async def _transaction(root: strawberry.Parent[Notification], info: Info) -> Transaction | None:
    return await find(info.context, root.transaction_id)


@strawberry.type(description="A notification of the caller about a transaction. It is deleted after 90 days.")
class Notification:
    id: strawberry.ID = strawberry.field(description="24 hex digits.")
    kind: NotificationKind = strawberry.field(description="What the notification is about.")
    transaction: Transaction | None = strawberry.field(
        resolver=_transaction, description="The transaction as it is now; null if the caller may not see it any more."
    )
    created_at: datetime = strawberry.field(description="When it happened.")
    read_at: datetime | None = strawberry.field(description="When the caller marked it as read; null until then.")
    transaction_id: strawberry.Private[str]


@strawberry.type(description="The notifications were marked as read.")
class MarkNotificationsReadSuccess:
    marked: int = strawberry.field(description="How many notifications were unread before.")
    unread: int = strawberry.field(description="How many notifications of the caller are still unread.")


async def notifications_of_caller(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    info: Info,
    unread_only: UnreadOnly = False,  # noqa: FBT002 - an argument of the schema
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Notification] | None:
    context, user_id = info.context, info.context.caller.user_id
    cursors = context.notification_cursors
    page = cursors.request(first, after, last, before)
    rows = await context.store.notifications_of(user_id, page, unread_only=unread_only)

    async def count() -> int:
        context.history_reads.begin()
        return await context.store.count_notifications(user_id, unread_only=unread_only)

    return cursors.page(page, rows, sort_key, _present, count)


async def mark_notifications_read(info: Info, ids: Ids = UNSET) -> MarkNotificationsReadSuccess | None:
    context, user_id = info.context, info.context.caller.user_id
    chosen = None if ids is UNSET or ids is None else [str(each) for each in ids]
    if chosen is not None and len(chosen) > MAX_IDS:
        raise BadUserInput(f"`ids` has more than {MAX_IDS} ids", details={"argument": "ids"})
    marked = await context.store.mark_read(user_id, chosen, values.now())
    unread = await context.store.count_notifications(user_id, unread_only=True)
    return MarkNotificationsReadSuccess(marked=marked, unread=unread)


def _present(row: notifications.Notification) -> Notification:
    return Notification(
        id=strawberry.ID(row.id),
        kind=NotificationKind[row.kind.name],
        created_at=row.created_at,
        read_at=row.read_at,
        transaction_id=row.transaction_id,
    )
