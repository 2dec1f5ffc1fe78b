"""The GraphQL types of accounts and their owners.

Only `visible` decides whether a caller gets an `Account` of the store. The owner and staff get it. All other callers
get the same response as for a missing account, whichever key, path or representation they use (bank §2.2).
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from decimal import Decimal  # noqa: TC003 - as above
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from bank.identity import Caller  # noqa: TC001 - as above
from bank.values import exponent, is_user_id
from servicekit.errors import Forbidden
from subgraphs.account import domain
from subgraphs.account.graphql_statement import At, From, Info, Statement, To, balance_at, create_statement
from subgraphs.account.loaders import OwnedCount, OwnedPage
from subgraphs.account.store.protocol import AccountFilter as StoreFilter
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last
from subgraphs.kit.scalars import Currency
from subgraphs.kit.schema import text_of

if TYPE_CHECKING:
    from subgraphs.kit.pages import PageRequest


@strawberry.enum(description="The status of an account.")
class AccountStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="The account can pay and receive.")
    FROZEN = strawberry.enum_value("FROZEN", description="The bank has stopped the account from paying and receiving.")
    CLOSED = strawberry.enum_value("CLOSED", description="The account is empty and closed; it cannot be opened again.")


@strawberry.enum(description="The purpose of an account.")
class AccountType(Enum):
    CHECKING = strawberry.enum_value("CHECKING", description="For daily payments.")
    SAVINGS = strawberry.enum_value("SAVINGS", description="For savings.")
    BUSINESS = strawberry.enum_value("BUSINESS", description="For the payments of a business.")


@strawberry.input(description="Which accounts a list shows; an account must fulfil all given conditions.")
class AccountFilter:
    status: list[AccountStatus] | None = strawberry.field(
        default=UNSET, description="One of these statuses; by default all but `CLOSED`."
    )
    type: list[AccountType] | None = strawberry.field(default=UNSET, description="One of these types.")
    currency: list[Currency] | None = strawberry.field(default=UNSET, description="One of these currencies.")


Filter = Annotated[
    AccountFilter | None, strawberry.argument(description="The accounts to list; by default those not closed.")
]


def store_filter(given: AccountFilter | None) -> StoreFilter:
    """Convert `given` to the store's filter. A field that is UNSET or null sets no condition."""
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
    """Return the sort key of an account in lists. It is the id, because ids ascend with the time of opening."""
    return (account.id,)


async def load_owned(info: Info, owner_id: str, wanted: StoreFilter, page: PageRequest) -> Connection[Account]:
    """Return one page of `owner_id`'s accounts.

    The resolver that calls this function must first check whether the caller may see the accounts.
    """

    async def count() -> int:
        return await info.context.loaders.counts.load(OwnedCount(owner_id, wanted))

    caller = info.context.caller
    accounts = await info.context.loaders.pages.load(OwnedPage(owner_id, wanted, page))
    return info.context.services.cursors.page(page, accounts, sort_key, lambda account: present(account, caller), count)


async def _accounts_of_user(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    root: strawberry.Parent[User],
    info: Info,
    filter: Filter = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Account] | None:
    if not domain.may(info.context.caller, domain.Operation.READ, root.id):
        raise Forbidden("Only the owner and the bank's staff may see these accounts")
    page = info.context.services.cursors.request(first, after, last, before)
    return await load_owned(info, root.id, store_filter(filter), page)


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"))], description=descriptions.USER)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")
    accounts: Connection[Account] | None = strawberry.field(
        resolver=_accounts_of_user,
        directives=[PAGED],
        description="The user's accounts in order of opening; only the user and staff see them.",
    )

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> User | None:
        """Return the user that a representation names.

        This service does not know whether a user with this id exists.
        """
        _ = info
        user_id = text_of(representation, "id")
        return cls(id=strawberry.ID(user_id)) if is_user_id(user_id) else None


@strawberry.enum(description="A change that the bank's staff make to an account.")
class StaffActionKind(Enum):
    FROZEN = strawberry.enum_value("FROZEN", description="The account was frozen.")
    UNFROZEN = strawberry.enum_value("UNFROZEN", description="The account was unfrozen.")


@strawberry.type(description="A change that the bank's staff made to an account.")
class StaffAction:
    kind: StaffActionKind = strawberry.field(description="What was changed.")
    at: datetime = strawberry.field(description="The time of the change.")
    by: User | None = strawberry.field(description="Who made the change; only staff see it.")


async def _statement(
    root: strawberry.Parent[Account], info: Info, from_: From = UNSET, to: To = UNSET
) -> Statement | None:
    begin = from_ or root.created_at
    return create_statement(str(root.id), root.currency, begin, to or max(begin, info.context.now))


async def _balance_at(root: strawberry.Parent[Account], info: Info, at: At) -> Decimal | None:
    return await balance_at(info, str(root.id), root.currency, at)


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id")), Key(fields=FieldSet("accountNumber"))],
    description=descriptions.ACCOUNT,
)
class Account:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    account_number: str = strawberry.federation.field(
        tags=["pii"],
        description="The number that others use to pay into the account: 10 digits, the last a check digit.",
    )
    balance: Decimal = strawberry.field(description="The balance, including held money.")
    available: Decimal = strawberry.field(description="The balance minus the held money.")
    held: Decimal = strawberry.field(description="The part of the balance that is reserved.")
    balance_as_of: datetime = strawberry.field(description="The time when the balance last changed.")
    currency: Currency = strawberry.field(description="The currency of the account; it never changes.")
    minor_units: int = strawberry.federation.field(
        inaccessible=True, description="The number of decimals of the account's currency; for other services."
    )
    status: AccountStatus = strawberry.field(description="The status of the account.")
    type: AccountType = strawberry.field(description="The purpose of the account.")
    owner: User | None = strawberry.field(description="The owner of the account.")
    version: int = strawberry.field(description="A number that increases with every change and every posting.")
    staff_action: StaffAction | None = strawberry.field(
        description="The last change that the bank's staff made to the account; null if there is none."
    )
    balance_at: Decimal | None = strawberry.field(
        resolver=_balance_at, description="The balance that the account had at a time."
    )
    statement: Statement | None = strawberry.field(
        resolver=_statement, description="The entries of the account in a period."
    )
    created_at: datetime = strawberry.field(description="The time when the account was opened.")
    updated_at: datetime = strawberry.field(description="The time when the account or its balance last changed.")

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Account | None:
        """Return the account that a representation names by id or number; None if the caller may not see it."""
        if "id" in representation:
            return visible(info, await info.context.loaders.by_id.load(text_of(representation, "id")))
        return visible(info, await info.context.loaders.by_number.load(text_of(representation, "accountNumber")))


def visible(info: Info, account: domain.Account | None) -> Account | None:
    """Return `account` if the caller may see it; otherwise None.

    If the request has no caller, raise Unauthenticated even if the account does not exist.
    """
    caller = info.context.caller
    if account is None or not domain.may(caller, domain.Operation.READ, account.user_id):
        return None
    return present(account, caller)


def present(account: domain.Account, caller: Caller) -> Account:
    """Return the GraphQL object of `account`, for a caller who may see it."""
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
        staff_action=_staff_action(account.staff_action, caller),
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


def _staff_action(action: domain.StaffAction | None, caller: Caller) -> StaffAction | None:
    if action is None:
        return None
    by = User(id=strawberry.ID(action.user_id)) if domain.reads_all(caller) else None
    return StaffAction(kind=StaffActionKind[action.kind.name], at=action.at, by=by)
