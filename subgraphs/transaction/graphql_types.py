"""The GraphQL types of transactions, and the fields that this service adds to accounts.

A representation is not trusted (bank §2.2). Only the store and the caller's token decide what the caller may see, so a
forged representation reveals nothing.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from bank.identity import Caller  # noqa: TC001 - as above
from bank.values import is_object_id
from servicekit.errors import BadUserInput
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last, short_list
from subgraphs.kit.graphql_problems import Problem  # noqa: TC001 - as above
from subgraphs.kit.scalars import Currency, Metadata
from subgraphs.kit.schema import text_of
from subgraphs.transaction import domain
from subgraphs.transaction.context import TransactionContext
from subgraphs.transaction.graphql_fraud import FraudDecision, present_decision
from subgraphs.transaction.graphql_problems import present_problem
from subgraphs.transaction.step_up import awaits_confirmation
from subgraphs.transaction.store.protocol import Filter, Listing, TurnoverRequest, sort_key

if TYPE_CHECKING:
    from subgraphs.kit.pages import PageRequest

T = TypeVar("T")
Info = strawberry.Info[TransactionContext, None]

# The largest number of decimals of a currency in ISO 4217.
_MAX_MINOR_UNITS: Final = 4


@strawberry.enum(description="The type of a transaction.")
class TransactionType(Enum):
    TRANSFER = strawberry.enum_value("TRANSFER", description="A transfer from one account of the bank to another.")
    DEPOSIT = strawberry.enum_value("DEPOSIT", description="A deposit from outside of the bank.")
    WITHDRAWAL = strawberry.enum_value("WITHDRAWAL", description="A withdrawal out of the bank.")
    PAYMENT = strawberry.enum_value("PAYMENT", description="A payment to a payee outside of the bank.")
    REVERSAL = strawberry.enum_value("REVERSAL", description="A reversal of an earlier transaction.")
    FEE = strawberry.enum_value("FEE", description="A fee of the bank.")


@strawberry.enum(description="The status of a transaction.")
class TransactionStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="The order is accepted; its outcome is not known yet.")
    HELD = strawberry.enum_value("HELD", description="The order waits for review.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="The money has moved.")
    FAILED = strawberry.enum_value("FAILED", description="The order was refused; no money has moved or will move.")
    REVERSED = strawberry.enum_value("REVERSED", description="The transaction was completed and later reversed.")


@strawberry.input(description="Which transactions a list shows; an absent field sets no condition.")
class TransactionFilter:
    type: list[TransactionType] | None = strawberry.field(default=UNSET, description="One of these types.")
    status: list[TransactionStatus] | None = strawberry.field(default=UNSET, description="One of these statuses.")
    from_: datetime | None = strawberry.field(default=UNSET, name="from", description="Created at or after this time.")
    to: datetime | None = strawberry.field(default=UNSET, description="Created before this time.")
    min_amount: Decimal | None = strawberry.field(default=UNSET, description="At least this amount, in any currency.")
    max_amount: Decimal | None = strawberry.field(default=UNSET, description="At most this amount, in any currency.")


Where = Annotated[TransactionFilter | None, strawberry.argument(description="The transactions to list.")]


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)], description=descriptions.USER)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")


@strawberry.type(description="The other side of a transfer, as it was when the order was recorded.")
class Counterparty:
    account_number: str = strawberry.federation.field(tags=["pii"], description="The number of the other account.")
    owner: User | None = strawberry.field(description="The owner of the other account.")


@strawberry.type(description="What a transaction between accounts of different currencies credits.")
class Conversion:
    amount: Decimal = strawberry.field(description="The credited amount.")
    currency: Currency = strawberry.field(description="The currency of the credited account.")
    base: Currency = strawberry.field(description="The currency whose unit the rate is for.")
    quote: Currency = strawberry.field(description="The currency in which the rate is expressed.")
    rate: str = strawberry.field(
        description="How many units of `quote` one unit of `base` was worth, as a decimal number; a reversal has the"
        " rate of the reversed transaction."
    )
    version: str = strawberry.field(description="The version of the table of rates.")


@strawberry.type(description="The sums of an account's completed transactions.")
class Turnover:
    currency: Currency = strawberry.field(description="The currency of both sums.")
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
        resolver=_currency, external=True, description="The currency of the account."
    )
    minor_units: int = strawberry.federation.field(
        resolver=_minor_units, external=True, description="The number of decimals of the account's currency."
    )
    transactions: Connection[Transaction] | None = strawberry.field(
        resolver=_transactions,
        directives=[PAGED],
        description="The transactions of the account that the caller may see; newest first.",
    )
    turnover: Turnover | None = strawberry.federation.field(
        resolver=_turnover,
        requires=["currency", "minorUnits"],
        description="The sums of the account's completed transactions that the caller may see.",
    )
    claimed: strawberry.Private[Mapping[str, object]]

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Account | None:
        """Return an account for any id of the right form. This service does not know which accounts exist."""
        info.context.caller  # noqa: B018 - raises Unauthenticated
        account_id = text_of(representation, "id")
        return Account(id=strawberry.ID(account_id), claimed=representation) if is_object_id(account_id) else None


@strawberry.type(description="A status that a transaction had.")
class StatusChange:
    status: TransactionStatus = strawberry.field(description="The status.")
    at: datetime = strawberry.field(description="The time when the transaction got the status.")
    by: User | None = strawberry.field(
        description="Who of the staff decided; only staff see it. Null if the service changed the status by itself."
    )


@strawberry.type(description="A reviewer's approval of a HELD order.")
class Approval:
    by: User = strawberry.field(description="The reviewer.")
    at: datetime = strawberry.field(description="The time of the approval.")


async def _history(root: strawberry.Parent[Transaction], info: Info) -> list[StatusChange] | None:
    context, caller = info.context, info.context.caller
    record = await context.loaders.transactions.load(str(root.id))
    if record is None or not domain.may_read(caller, record.principal_user_id):
        return None
    return [
        StatusChange(
            status=TransactionStatus[change.status.name],
            at=change.at,
            by=User(id=strawberry.ID(change.by)) if change.by and domain.reads_all(caller) else None,
        )
        for change in await context.loaders.histories.load(record.id)
    ]


async def _reversal_of(root: strawberry.Parent[Transaction], info: Info) -> Transaction | None:
    return None if root.reverses is None else await find(info.context, root.reverses)


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"))],
    description=descriptions.TRANSACTION,
)
class Transaction:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    amount: Decimal = strawberry.field(description="The amount; always positive.")
    currency: Currency = strawberry.field(description="The currency of the amount.")
    type: TransactionType = strawberry.field(description="The type of the transaction.")
    status: TransactionStatus = strawberry.field(description="The status of the transaction.")
    source: Account | None = strawberry.federation.field(
        provides=["accountNumber"],
        description="The debited account; null unless the caller owns it or is staff.",
    )
    destination: Account | None = strawberry.federation.field(
        provides=["accountNumber"],
        description="The credited account; null unless the caller owns it or is staff.",
    )
    counterparty: Counterparty | None = strawberry.field(
        description="The other side of a transfer, seen from the caller; null until the money has moved."
    )
    requested_by: User | None = strawberry.field(
        description="The user who gave the order; only the owner of the debited account, or of the account that a"
        " deposit credits, and staff see it."
    )
    conversion: Conversion | None = strawberry.field(
        description="What was credited, and the rate, if the accounts have different currencies; null until the money"
        " has moved, except for staff."
    )
    payee: str | None = strawberry.field(description="The receiver of a payment.")
    metadata: Metadata = strawberry.field(description="The metadata of the order.")
    reversal_of: Transaction | None = strawberry.field(
        resolver=_reversal_of, description="The transaction that this one reverses."
    )
    reverses: strawberry.Private[str | None]
    problem: Problem | None = strawberry.field(
        description="Why the order was refused; null unless the status is FAILED."
    )
    created_at: datetime = strawberry.field(description="The time when the order was recorded.")
    updated_at: datetime = strawberry.field(description="The time when the status last changed.")
    history: list[StatusChange] | None = strawberry.field(
        resolver=_history,
        directives=[short_list(5)],
        description="The statuses of the transaction, the first one first; only the owner of the order and staff see"
        " them.",
    )
    fraud_decision: FraudDecision | None = strawberry.field(
        description="What the fraud rules decided about the order; only staff see it."
    )
    awaits_confirmation: bool | None = strawberry.field(
        description="Whether the order is HELD until its customer proves their identity again (`confirmTransaction`);"
        " only the customer and staff see it."
    )
    approvals: list[Approval] | None = strawberry.field(
        directives=[short_list(2)],
        description="The approvals of an order that was HELD; only staff see them.",
    )

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> Transaction | None:
        return await find(info.context, text_of(representation, "id"))


async def find(context: TransactionContext, transaction_id: str) -> Transaction | None:
    """Return the transaction if it exists and the caller may see it. Raise Unauthenticated without a caller."""
    caller = context.caller
    record = await context.loaders.transactions.load(transaction_id)
    return present(record, caller) if record is not None and record.visible_to(caller) else None


def present(record: domain.Transaction, viewer: Caller) -> Transaction:
    """Return the GraphQL object of `record` for `viewer`, who may see it."""
    order, counterparty, requested_by = record.order, record.counterparty(viewer), record.requested_by(viewer)
    is_staff = domain.reads_all(viewer)
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
        requested_by=User(id=strawberry.ID(requested_by)) if requested_by else None,
        conversion=_conversion(record.conversion_for(viewer)),
        payee=order.payee,
        metadata=Metadata(dict(order.metadata)),
        reverses=order.reversal.of if order.reversal else None,
        problem=present_problem(record.problem) if record.problem else None,
        created_at=record.created_at,
        updated_at=record.updated_at,
        fraud_decision=present_decision(record.decision) if record.decision and is_staff else None,
        awaits_confirmation=awaits_confirmation(record)
        if is_staff or record.requester.user_id == viewer.user_id
        else None,
        approvals=[Approval(by=User(id=strawberry.ID(each.user_id)), at=each.at) for each in record.approvals]
        if is_staff
        else None,
    )


def _conversion(found: domain.Conversion | None) -> Conversion | None:
    if found is None:
        return None
    return Conversion(
        amount=found.amount,
        currency=Currency(found.currency),
        base=Currency(found.base),
        quote=Currency(found.quote),
        rate=f"{found.rate:f}",
        version=found.version,
    )


def _own(party: domain.Party | None, viewer: Caller) -> Account | None:
    if party is None or not domain.may_read(viewer, party.user_id):
        return None
    return Account(id=strawberry.ID(party.account_id), claimed={"accountNumber": party.account_number})


def create_listing(context: TransactionContext, wanted: TransactionFilter | None, page: PageRequest) -> Listing:
    """Return the store's listing for the caller. Raise Unauthenticated without a caller."""
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
    """Return `listing` without its page, so that all pages of a list share one look-up of the count."""
    return Listing(listing.viewer_id, listing.filter)
