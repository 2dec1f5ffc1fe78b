"""The statement of an account in GraphQL: its entries in a period, and the balances before and after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal  # noqa: TC003 - strawberry reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from bank.values import InvalidValue, from_minor_units
from servicekit.errors import BadUserInput
from subgraphs.account.context import AccountContext
from subgraphs.account.loaders import EntryPage
from subgraphs.account.statements import Period, sort_key
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last

if TYPE_CHECKING:
    from subgraphs.account.statements import LedgerEntry

Info = strawberry.Info[AccountContext, None]

# The distance from one time to the next possible one: all times are whole milliseconds.
_NEXT_MOMENT = timedelta(milliseconds=1)

From = Annotated[
    datetime | None,
    strawberry.argument(name="from", description="Entries at or after this time; by default since the opening."),
]
To = Annotated[datetime | None, strawberry.argument(description="Entries before this time; by default until now.")]
At = Annotated[datetime, strawberry.argument(description="The time; entries of exactly this time count.")]


@dataclass(frozen=True, slots=True)
class StatementOf:
    """The account and the period of a statement."""

    account_id: str
    currency: str
    period: Period


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)], description=descriptions.TRANSACTION)
class Transaction:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")


@strawberry.type(description="An entry of an account.")
class StatementEntry:
    transaction: Transaction = strawberry.field(description="The transaction that made the entry.")
    posted_at: datetime = strawberry.field(description="The time when the money moved.")
    amount: Decimal = strawberry.field(description="What the entry adds to the balance; negative for a debit.")
    balance: Decimal = strawberry.field(description="The balance after the entry.")


async def _entries(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    root: strawberry.Parent[Statement],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[StatementEntry] | None:
    cursors = info.context.services.statement_cursors
    page = cursors.request(first, after, last, before)
    rows = await info.context.loaders.entries.load(EntryPage(root.of.account_id, root.of.period, page))
    return cursors.page(page, rows, sort_key, _present)


async def _opening(root: strawberry.Parent[Statement], info: Info) -> Decimal:
    return await _balance_before(info, root.of.account_id, root.of.currency, root.of.period.begin)


async def _closing(root: strawberry.Parent[Statement], info: Info) -> Decimal:
    return await _balance_before(info, root.of.account_id, root.of.currency, root.of.period.end)


@strawberry.type(description="What happened to an account's balance in a period.")
class Statement:
    from_: datetime = strawberry.field(name="from", description="The beginning of the period.")
    to: datetime = strawberry.field(description="The end of the period, which is not part of it.")
    opening_balance: Decimal = strawberry.field(resolver=_opening, description="The balance before the period.")
    closing_balance: Decimal = strawberry.field(resolver=_closing, description="The balance at the end of the period.")
    entries: Connection[StatementEntry] | None = strawberry.field(
        resolver=_entries, directives=[PAGED], description="The entries of the period; oldest first."
    )
    of: strawberry.Private[StatementOf]


def create_statement(account_id: str, currency: str, begin: datetime, end: datetime) -> Statement:
    """Return the statement of an account that the caller may see.

    Raises:
        BadUserInput: the period ends before it begins.
    """
    try:
        period = Period(begin, end)
    except InvalidValue as error:
        raise BadUserInput(f"`to` is before `from`: {error}", details={"argument": "to"}) from None
    return Statement(from_=period.begin, to=period.end, of=StatementOf(account_id, currency, period))


async def balance_at(info: Info, account_id: str, currency: str, moment: datetime) -> Decimal:
    """Return the balance of an account after all entries up to `moment`."""
    return await _balance_before(info, account_id, currency, moment + _NEXT_MOMENT)


async def _balance_before(info: Info, account_id: str, currency: str, moment: datetime) -> Decimal:
    found = await info.context.loaders.balances.load((account_id, moment))
    return from_minor_units(0, currency) if found is None else found


def _present(entry: LedgerEntry) -> StatementEntry:
    return StatementEntry(
        transaction=Transaction(id=strawberry.ID(entry.transaction_id)),
        posted_at=entry.posted_at,
        amount=entry.amount,
        balance=entry.balance,
    )
