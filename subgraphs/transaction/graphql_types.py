"""Transactions as GraphQL types, and what this service adds to accounts.

A representation is a claim: what depends on the caller (whose transactions?) is decided from the store and the
caller's token alone, so a forged one shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from decimal import Decimal
from enum import Enum
from typing import Annotated, Final, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key, ListSize
from strawberry.federation.types import FieldSet

from bank.identity import Caller  # noqa: TC001 - as above
from bank.values import is_object_id
from servicekit.errors import BadUserInput
from subgraphs.kit import descriptions
from subgraphs.kit.connections import Connection, PageRequest  # noqa: TC001 - as above
from subgraphs.kit.problems import Problem  # noqa: TC001 - as above
from subgraphs.kit.scalars import Currency, Metadata
from subgraphs.kit.schema import text_of
from subgraphs.transaction import domain
from subgraphs.transaction.context import TransactionContext
from subgraphs.transaction.graphql_problems import present_problem
from subgraphs.transaction.store.protocol import Filter, Listing, TurnoverRequest, sort_key

T = TypeVar("T")
Info = strawberry.Info[TransactionContext, None]

# More decimals than any currency of ISO 4217 has.
_MAX_MINOR_UNITS: Final = 4

# What a router with demand control may count on: the page size, or the default.
PAGED: Final = ListSize(
    assumed_size=20,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)

First = Annotated[int | None, strawberry.argument(description="Page size counted from the start, at most 100.")]
After = Annotated[str | None, strawberry.argument(description="The page begins after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="Page size counted from the end, at most 100.")]
Before = Annotated[str | None, strawberry.argument(description="The page ends before this cursor.")]


@strawberry.enum(description="What kind of movement a transaction is.")
class TransactionType(Enum):
    TRANSFER = strawberry.enum_value("TRANSFER", description="From one account of the bank to another.")
    DEPOSIT = strawberry.enum_value("DEPOSIT", description="Into an account, from outside of the bank.")
    WITHDRAWAL = strawberry.enum_value("WITHDRAWAL", description="Out of an account and of the bank.")
    PAYMENT = strawberry.enum_value("PAYMENT", description="Out of an account, to a payee outside of the bank.")
    REVERSAL = strawberry.enum_value("REVERSAL", description="Takes an earlier transaction back.")
    FEE = strawberry.enum_value("FEE", description="What the bank charges.")


@strawberry.enum(description="How far a transaction has come.")
class TransactionStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Accepted; the outcome is not known yet.")
    HELD = strawberry.enum_value("HELD", description="Waits for review.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="The money has moved.")
    FAILED = strawberry.enum_value("FAILED", description="Refused; no money has moved, nor ever will.")
    REVERSED = strawberry.enum_value("REVERSED", description="Completed, and taken back later.")


@strawberry.input(description="Which transactions are wanted; a field left out leaves open.")
class TransactionFilter:
    type: list[TransactionType] | None = strawberry.field(default=UNSET, description="Any of these types.")
    status: list[TransactionStatus] | None = strawberry.field(default=UNSET, description="Any of these statuses.")
    from_: datetime | None = strawberry.field(default=UNSET, name="from", description="Created at or after this time.")
    to: datetime | None = strawberry.field(default=UNSET, description="Created before this time.")
    min_amount: Decimal | None = strawberry.field(
        default=UNSET, description="Of at least this amount, whatever the currency."
    )
    max_amount: Decimal | None = strawberry.field(
        default=UNSET, description="Of at most this amount, whatever the currency."
    )


Where = Annotated[TransactionFilter | None, strawberry.argument(description="Which transactions are wanted.")]


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)], description=descriptions.USER)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")


@strawberry.type(description="The other side of a transfer, as it was when the transfer was ordered.")
class Counterparty:
    account_number: str = strawberry.federation.field(tags=["pii"], description="The number of the other account.")
    owner: User | None = strawberry.field(description="Who owned the other account.")


@strawberry.type(description="What an account received and gave.")
class Turnover:
    currency: Currency = strawberry.field(description="Of both sums.")
    credited: Decimal = strawberry.field(description="The sum of completed transactions that credited the account.")
    debited: Decimal = strawberry.field(description="The sum of completed transactions that debited the account.")


def _account_number(root: strawberry.Parent[Account]) -> str:
    return text_of(root.claimed, "accountNumber")


def _currency(root: strawberry.Parent[Account]) -> Currency:
    return Currency(text_of(root.claimed, "currency"))


def _minor_units(root: strawberry.Parent[Account]) -> int:
    value = root.claimed.get("minorUnits")
    if not isinstance(value, int) or not 0 <= value <= _MAX_MINOR_UNITS:
        raise BadUserInput("the representation lacks `minorUnits`")
    return value


async def _transactions(  # noqa: PLR0913, PLR0917 - Relay's arguments
    root: strawberry.Parent[Account],
    info: Info,
    filter: Where = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Transaction] | None:
    context, account_id = info.context, str(root.id)
    listing = create_listing(context, filter, context.cursors.request(first, after, last, before))
    rows = await context.loaders.listings.load((account_id, listing))

    async def count() -> int:
        return await context.loaders.counts.load((account_id, whole(listing)))

    return context.cursors.page(listing.page, rows, sort_key, lambda row: present(row, context.caller), count)


async def _turnover(
    root: strawberry.Parent[Account],
    info: Info,
    from_: Annotated[
        datetime | None, strawberry.argument(name="from", description="Of transactions created at or after this time.")
    ] = UNSET,
    to: Annotated[
        datetime | None, strawberry.argument(description="Of transactions created before this time.")
    ] = UNSET,
) -> Turnover | None:
    request = TurnoverRequest(info.context.viewer_id, from_ or None, to or None)
    currency, nothing = _currency(root), Decimal(0).scaleb(-_minor_units(root))
    found = await info.context.loaders.turnovers.load((str(root.id), request))
    sums = found.get((str(root.id), currency))
    return Turnover(
        currency=currency,
        credited=sums.credited if sums else nothing,
        debited=sums.debited if sums else nothing,
    )


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"))],
    description=descriptions.ACCOUNT,
)
class Account:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    account_number: str = strawberry.federation.field(
        resolver=_account_number, external=True, description="10 digits, the last one a check digit."
    )
    currency: Currency = strawberry.federation.field(
        resolver=_currency, external=True, description="The one currency the account is held in."
    )
    minor_units: int = strawberry.federation.field(
        resolver=_minor_units, external=True, description="How many decimals the account's currency has."
    )
    transactions: Connection[Transaction] | None = strawberry.field(
        resolver=_transactions,
        directives=[PAGED],
        description="Transactions that debit or credit the account, as far as the caller may see them; newest first.",
    )
    turnover: Turnover | None = strawberry.federation.field(
        resolver=_turnover,
        requires=["currency", "minorUnits"],
        description="Sums over the account's completed transactions, as far as the caller may see them.",
    )
    claimed: strawberry.Private[Mapping[str, object]]

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Account | None:
        """Any id of the right shape: whether the account exists is not this service's to know, nor to tell."""
        info.context.caller  # noqa: B018 - raises Unauthenticated
        account_id = text_of(representation, "id")
        return Account(id=strawberry.ID(account_id), claimed=representation) if is_object_id(account_id) else None


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"))],
    description="An order to move money and what became of it. Seen by whoever ordered it, by staff, and by the"
    " receiver once the money has moved.",
)
class Transaction:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    amount: Decimal = strawberry.field(description="How much; always positive.")
    currency: Currency = strawberry.field(description="The currency of the amount.")
    type: TransactionType = strawberry.field(description="What kind of movement it is.")
    status: TransactionStatus = strawberry.field(description="How far it has come.")
    source: Account | None = strawberry.federation.field(
        provides=["accountNumber"],
        description="The debited account; null unless it is the caller's own or the caller is staff.",
    )
    destination: Account | None = strawberry.federation.field(
        provides=["accountNumber"],
        description="The credited account; null unless it is the caller's own or the caller is staff.",
    )
    counterparty: Counterparty | None = strawberry.field(
        description="The other side of a transfer, as the caller sees it; null until the money has moved."
    )
    payee: str | None = strawberry.field(description="Who receives a payment.")
    metadata: Metadata = strawberry.field(description="What the order carried along.")
    problem: Problem | None = strawberry.field(description="Why the order was refused; null unless it has FAILED.")
    created_at: datetime = strawberry.field(description="When it was ordered.")
    updated_at: datetime = strawberry.field(description="When its status last changed.")

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Transaction | None:
        return await find(info.context, text_of(representation, "id"))


async def find(context: TransactionContext, transaction_id: str) -> Transaction | None:
    """The transaction if it exists and the caller may see it; raises Unauthenticated without a caller."""
    caller = context.caller
    record = await context.loaders.transactions.load(transaction_id)
    return present(record, caller) if record is not None and record.visible_to(caller) else None


def present(record: domain.Transaction, viewer: Caller) -> Transaction:
    """``record`` as ``viewer``, who may see it, sees it."""
    order, counterparty = record.order, record.counterparty(viewer)
    return Transaction(
        id=strawberry.ID(record.id),
        amount=order.amount,
        currency=Currency(order.currency),
        type=TransactionType[order.type.name],
        status=TransactionStatus[record.status.name],
        source=_own(record.parties.source, viewer),
        destination=_own(record.parties.destination, viewer),
        counterparty=Counterparty(
            account_number=counterparty.account_number, owner=User(id=strawberry.ID(counterparty.user_id))
        )
        if counterparty
        else None,
        payee=order.payee,
        metadata=Metadata(dict(order.metadata)),
        problem=present_problem(record.problem) if record.problem else None,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _own(party: domain.Party | None, viewer: Caller) -> Account | None:
    if party is None or not viewer.may_see(party.user_id):
        return None
    return Account(id=strawberry.ID(party.account_id), claimed={"accountNumber": party.account_number})


def create_listing(context: TransactionContext, wanted: TransactionFilter | None, page: PageRequest) -> Listing:
    """What the store is asked for on behalf of the caller; raises Unauthenticated without one."""
    given = wanted or TransactionFilter()
    types, statuses = _given(given.type), _given(given.status)
    return Listing(
        viewer_id=context.viewer_id,
        filter=Filter(
            types=None if types is None else frozenset(domain.TransactionType[kind.name] for kind in types),
            statuses=None if statuses is None else frozenset(domain.TransactionStatus[s.name] for s in statuses),
            created_from=_given(given.from_),
            created_to=_given(given.to),
            min_amount=_given(given.min_amount),
            max_amount=_given(given.max_amount),
        ),
        page=page,
    )


def _given(value: T | None) -> T | None:
    return None if value is UNSET else value


def whole(listing: Listing) -> Listing:
    """``listing`` without its page: the counts of all pages of a list share one look-up."""
    return Listing(listing.viewer_id, listing.filter)
