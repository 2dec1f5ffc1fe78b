"""The subscriptions of the account service."""

from __future__ import annotations

from collections.abc import AsyncGenerator  # noqa: TC003 - strawberry reads annotations at run time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import strawberry

from bank.scopes import READ
from servicekit.errors import BadUserInput
from subgraphs.account import domain
from subgraphs.account.graphql_statement import Info  # noqa: TC001 - as above
from subgraphs.account.graphql_types import Account, present
from subgraphs.kit import descriptions
from subgraphs.kit.delegated_scopes import needs_scope

if TYPE_CHECKING:
    from subgraphs.kit.outbox import Event

AccountId = Annotated[strawberry.ID, strawberry.argument(description="The id of the account, 24 hexadecimal digits.")]


# The events after which the balance or the held money differs.
_BALANCE_EVENTS: Final = frozenset({"account.posted", "account.held", "account.released"})


async def _balance_changed(info: Info, account_id: AccountId) -> AsyncGenerator[Account, None]:
    context = info.context
    async with context.services.feed.follow(str(account_id)) as events:
        await _own(info, str(account_id))
        context.established.set()
        async for event in events:
            account = as_of(event, await _own(info, str(account_id)))
            if account is not None:
                yield present(account, context.caller)


async def _own(info: Info, account_id: str) -> domain.Account:
    """Return the account. Raise BadUserInput if the caller may not see it, as if it did not exist."""
    found = (await info.context.services.reads.by_ids([account_id])).get(account_id)
    if found is None or not domain.may(info.context.caller, domain.Operation.READ, found.user_id):
        raise BadUserInput("Account not found", details={"argument": "accountId"})
    return found


def as_of(event: Event, account: domain.Account) -> domain.Account | None:
    """Return the account with the balance that it had after an event; None if the event is not about a balance.

    Meanwhile, the account may have changed again. With the balance of the event, a client sees each change once.
    """
    data = event.data
    if event.type not in _BALANCE_EVENTS:
        return None
    return replace(
        account,
        balance=Decimal(str(data["balance"])),
        held=Decimal(str(data["held"])),
        status=domain.AccountStatus(str(data["status"])),
        type=domain.AccountType(str(data["type"])),
        version=int(str(data["version"])),
        balance_as_of=event.time,
        updated_at=event.time,
    )


@strawberry.type(description=descriptions.SUBSCRIPTION)
class Subscription:
    balance_changed: AsyncGenerator[Account, None] = strawberry.subscription(
        resolver=_balance_changed,
        metadata=needs_scope(READ),
        description="The account, each time its balance or its held money has changed.",
    )
