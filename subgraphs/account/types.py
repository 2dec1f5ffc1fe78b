"""The GraphQL types of accounts and of those who own them.

Whose data: :func:`visible` is the one gate between the store and an ``Account``; the owner passes, and staff. For
anyone else the account is missing, by whichever key, path or representation it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from decimal import Decimal  # noqa: TC003 - as above
from enum import Enum
from typing import Annotated, Final

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key, ListSize
from strawberry.federation.types import FieldSet

from bank.values import exponent, is_user_id
from servicekit.errors import Forbidden
from subgraphs.account import domain
from subgraphs.account.context import AccountContext
from subgraphs.account.loaders import OwnedCount, OwnedPage
from subgraphs.account.store.protocol import AccountFilter as StoreFilter
from subgraphs.kit import descriptions
from subgraphs.kit.connections import DEFAULT_PAGE, Connection, PageRequest
from subgraphs.kit.scalars import Currency
from subgraphs.kit.schema import text_of

Info = strawberry.Info[AccountContext, None]


@strawberry.enum(description="What can be done with an account.")
class AccountStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="Money comes and goes.")
    FROZEN = strawberry.enum_value("FROZEN", description="The bank lets no money in or out for now.")
    CLOSED = strawberry.enum_value("CLOSED", description="Empty, and closed for good.")


@strawberry.enum(description="What an account is for.")
class AccountType(Enum):
    CHECKING = strawberry.enum_value("CHECKING", description="Daily payments.")
    SAVINGS = strawberry.enum_value("SAVINGS", description="Money put aside.")
    BUSINESS = strawberry.enum_value("BUSINESS", description="Payments of a business.")


@strawberry.input(description="Which accounts a list shows; all given conditions must hold.")
class AccountFilter:
    status: list[AccountStatus] | None = strawberry.field(
        default=UNSET, description="Any of these; without it, accounts that are not closed."
    )
    type: list[AccountType] | None = strawberry.field(default=UNSET, description="Any of these.")
    currency: list[Currency] | None = strawberry.field(default=UNSET, description="Any of these.")


Filter = Annotated[AccountFilter | None, strawberry.argument(description="Which accounts; by default the open ones.")]
First = Annotated[int | None, strawberry.argument(description="How many from the start, 0 to 100; by default 20.")]
After = Annotated[str | None, strawberry.argument(description="Begin behind this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 0 to 100; not with `first`.")]
Before = Annotated[str | None, strawberry.argument(description="End before this cursor.")]

LIST_SIZE: Final = ListSize(
    assumed_size=DEFAULT_PAGE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)


def store_filter(given: AccountFilter | None) -> StoreFilter:
    """``given`` as the store takes it; UNSET and null mean no condition."""
    if not given:
        return StoreFilter()
    return StoreFilter(
        statuses=tuple(domain.AccountStatus[s.name] for s in given.status)
        if isinstance(given.status, list)
        else domain.OPEN_STATUSES,
        types=tuple(domain.AccountType[t.name] for t in given.type) if isinstance(given.type, list) else None,
        currencies=tuple(given.currency) if isinstance(given.currency, list) else None,
    )


def sort_key(account: domain.Account) -> tuple[str]:
    """What orders lists of accounts: their ids, which ascend by time of opening."""
    return (account.id,)


async def load_owned(info: Info, owner_id: str, wanted: StoreFilter, page: PageRequest) -> Connection[Account]:
    """One page of ``owner_id``'s accounts; whether the caller may see them is for the field to judge."""

    async def count() -> int:
        return await info.context.loaders.counts.load(OwnedCount(owner_id, wanted))

    accounts = await info.context.loaders.pages.load(OwnedPage(owner_id, wanted, page))
    return info.context.services.cursors.page(page, accounts, sort_key, present, count)


async def _accounts_of_user(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    root: strawberry.Parent[User],
    info: Info,
    filter: Filter = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Account] | None:
    if not info.context.caller.may_see(root.id):
        raise Forbidden("Only the owner and the bank's staff may see these accounts")
    page = info.context.services.cursors.request(first, after, last, before)
    return await load_owned(info, root.id, store_filter(filter), page)


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"))], description=descriptions.USER)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")
    accounts: Connection[Account] | None = strawberry.field(
        resolver=_accounts_of_user,
        directives=[LIST_SIZE],
        description="The user's accounts in order of opening; for the user and staff.",
    )

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> User | None:
        """The user that a representation names: an id alone, of which this service knows no more than the caller."""
        _ = info
        user_id = text_of(representation, "id")
        return cls(id=strawberry.ID(user_id)) if is_user_id(user_id) else None


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id")), Key(fields=FieldSet("accountNumber"))],
    description=descriptions.ACCOUNT,
)
class Account:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    account_number: str = strawberry.federation.field(
        tags=["pii"], description="What to give to those who pay in: 10 digits, the last one a check digit."
    )
    balance: Decimal = strawberry.field(description="All money on the account, held money included.")
    available: Decimal = strawberry.field(description="What can be spent: the balance without what is held.")
    held: Decimal = strawberry.field(description="The part of the balance that is promised elsewhere.")
    balance_as_of: datetime = strawberry.field(description="When the balance last changed.")
    currency: Currency = strawberry.field(description="What the account is held in; never changes.")
    minor_units: int = strawberry.federation.field(
        inaccessible=True, description="How many decimals amounts in this currency have; for other services."
    )
    status: AccountStatus = strawberry.field(description="What can be done with the account.")
    type: AccountType = strawberry.field(description="What the account is for.")
    owner: User | None = strawberry.field(description="Whose account it is.")
    version: int = strawberry.field(description="Rises with every change and every posting.")
    created_at: datetime = strawberry.field(description="When the account was opened.")
    updated_at: datetime = strawberry.field(description="When the account, or its balance, last changed.")

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Account | None:
        """The account that a representation names by either key, or None where the caller may not see it."""
        if "id" in representation:
            return visible(info, await info.context.loaders.by_id.load(text_of(representation, "id")))
        return visible(info, await info.context.loaders.by_number.load(text_of(representation, "accountNumber")))


def visible(info: Info, account: domain.Account | None) -> Account | None:
    """``account``, if the caller may see it. Raises Unauthenticated when there is no caller."""
    if account is None or not info.context.caller.may_see(account.user_id):
        return None
    return present(account)


def present(account: domain.Account) -> Account:
    """``account`` for somebody who may see it."""
    return Account(
        id=strawberry.ID(account.id),
        account_number=account.number,
        balance=account.balance,
        available=account.available,
        held=account.held,
        balance_as_of=account.balance_as_of,
        currency=Currency(account.currency),
        minor_units=exponent(account.currency),
        status=AccountStatus[account.status.name],
        type=AccountType[account.type.name],
        owner=User(id=strawberry.ID(account.user_id)),
        version=account.version,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
