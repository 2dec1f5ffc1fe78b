"""The rules of orders and transactions. Pure: no clock, no store, no network.

An `Order` is the request of a caller. A `Transaction` is the record of an order. Only the status of a transaction and
the decisions about it can change (`states.MOVES`). The account service decides whether there is enough money, so the
rules in this module need no balance.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bank.identity import SUPPORT
from bank.permissions import ALL_STAFF, Permission
from servicekit.errors import Forbidden
from subgraphs.transaction.problems import InvalidAccount, SameAccount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from bank.identity import Caller
    from bank.permissions import Actor
    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.problems import Problem

# `json.dumps` with these separators would create an encoder at each call.
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode

# The largest amount in minor units. Stores keep amounts in 64 bits.
MAX_MINOR_UNITS: Final = 2**63 - 1


class TransactionType(StrEnum):
    TRANSFER = "TRANSFER"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    PAYMENT = "PAYMENT"
    REVERSAL = "REVERSAL"
    FEE = "FEE"


class TransactionStatus(StrEnum):
    PENDING = "PENDING"
    HELD = "HELD"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REVERSED = "REVERSED"


# The statuses of transactions whose outcome is not known yet.
OPEN: Final = frozenset({TransactionStatus.PENDING, TransactionStatus.HELD})
# The statuses of transactions whose money the ledger has moved. The receiver of a transfer can see a transaction only
# in one of these statuses.
SETTLED: Final = frozenset({TransactionStatus.COMPLETED, TransactionStatus.REVERSED})


class Operation(StrEnum):
    """The operations with orders that need a permission."""

    READ = "read"
    TRANSFER = "transfer"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    PAY = "pay"
    CONFIRM = "confirm"
    REVIEW = "review"
    REVERSE = "reverse"


# The owner of an order is `Transaction.principal_user_id`. Staff may read all orders and review HELD orders. Only the
# owner of an account may move its money.
PERMISSIONS: Final[Mapping[Operation, Permission]] = MappingProxyType(
    {
        Operation.READ: Permission(owner=True, staff=ALL_STAFF),
        Operation.TRANSFER: Permission(owner=True),
        Operation.DEPOSIT: Permission(owner=True),
        Operation.WITHDRAW: Permission(owner=True),
        Operation.PAY: Permission(owner=True),
        Operation.CONFIRM: Permission(owner=True),
        Operation.REVIEW: Permission(staff=ALL_STAFF),
        Operation.REVERSE: Permission(staff=ALL_STAFF),
    }
)
_OPERATIONS: Final[Mapping[TransactionType, Operation]] = MappingProxyType(
    {
        TransactionType.TRANSFER: Operation.TRANSFER,
        TransactionType.DEPOSIT: Operation.DEPOSIT,
        TransactionType.WITHDRAWAL: Operation.WITHDRAW,
        TransactionType.PAYMENT: Operation.PAY,
    }
)


def may_read(viewer: Actor, owner_id: str | None) -> bool:
    """Whether `viewer` may see orders and accounts of `owner_id`."""
    return PERMISSIONS[Operation.READ].allows(viewer, owner_id)


def reads_all(viewer: Actor) -> bool:
    """Whether `viewer` may see the orders of all users."""
    return PERMISSIONS[Operation.READ].allows_staff(viewer)


class IllegalTransition(Exception):
    """The transaction does not exist, or `states.MOVES` has no move from its status to the wanted status."""


@dataclass(frozen=True, slots=True)
class Party:
    """An account on one side of a transaction, with the data that it had when the transaction was created.

    Attributes:
        currency: the currency of the account when the order was placed; None in records, which do not have it.
    """

    account_id: str
    user_id: str
    account_number: str
    currency: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Parties:
    """The owners of the accounts that an order names.

    A side is None if the order has no account on this side, such as the source of a deposit, or if the account is
    unknown.
    """

    source: Party | None
    destination: Party | None


@dataclass(frozen=True, slots=True)
class Requester:
    """The person who gives an order.

    The person's roles are stored with the order. So the reconciler can repeat the call to the ledger exactly.
    """

    user_id: str
    roles: frozenset[str]

    @classmethod
    def of(cls, caller: Caller) -> Requester:
        return cls(caller.user_id, caller.roles)


# The requester of a chargeback: the payment provider has taken back the money of a payment, and the bank reverses the
# transaction.
PROVIDER: Final = Requester("payment-provider", frozenset({SUPPORT}))


@dataclass(frozen=True, slots=True)
class Reversal:
    """Which transaction an order reverses, and the type of that transaction."""

    of: str
    type: TransactionType


@dataclass(frozen=True, slots=True)
class Order:
    """A valid order.

    Attributes:
        amount: positive, with exactly the currency's decimals.
        source: id of the debited account.
        destination: id (24 hex digits) or number (10 digits) of the credited account.
        payee: who receives a payment outside of the bank; None in other orders.
        instrument: the payment instrument at the payment provider, such as a token for a card; None for the default.
        reversal: None unless the order reverses a transaction.
    """

    type: TransactionType
    amount: Decimal
    currency: str
    source: str | None = None
    destination: str | None = None
    payee: str | None = None
    instrument: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    reversal: Reversal | None = None

    @property
    def original_type(self) -> TransactionType:
        """The type of the order. For a reversal, the type of the reversed transaction."""
        return self.reversal.type if self.reversal else self.type

    def fingerprint(self) -> str:
        """Return a hash of the order (SHA-256, 64 hex digits). Only equal orders have equal fingerprints."""
        canonical = _encode(
            [
                self.type,
                f"{self.amount:f}",
                self.currency,
                self.source,
                self.destination,
                self.payee,
                sorted(self.metadata.items()),
                *([self.reversal.of] if self.reversal else ()),
                *([{"instrument": self.instrument}] if self.instrument else ()),
            ]
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a transaction credits to an account of another currency (bank §2.21). It never changes.

    Attributes:
        amount: the credited amount, with exactly the decimals of `currency`.
        currency: the currency of the credited account.
        base, quote, rate: one unit of `base` is `rate` units of `quote`. A reversal has the rate of the original.
        version: the version of the table of rates.
    """

    amount: Decimal
    currency: str
    base: str
    quote: str
    rate: Decimal
    version: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A reviewer's approval of a HELD order."""

    user_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transaction:
    """A recorded order.

    Attributes:
        requester: the person who gave the order.
        parties: the accounts on both sides, as they were when the order was recorded.
        problem: the reason why the transaction failed; None in every other status.
        decision: the decision of the fraud rules; None before the decision, and in records of older releases.
        approvals: the reviewers who approved the order while it was HELD. The approval of the requester is the
            confirmation of an order that waited for a step-up.
        refusal: the reason why an order that was HELD will fail: a reviewer rejected it, or nobody decided in time. The
            order is PENDING until its reserved money is released. Then it fails with this problem.
        conversion: what is credited, if the accounts have different currencies; else None.
    """

    id: str
    order: Order
    requester: Requester
    parties: Parties
    status: TransactionStatus
    problem: Problem | None
    created_at: datetime
    updated_at: datetime
    decision: Decision | None = None
    approvals: tuple[Approval, ...] = ()
    refusal: Problem | None = None
    conversion: Conversion | None = None

    @property
    def must_be_held(self) -> bool:
        """Whether the order must wait for a review: the fraud rules require one, and nobody has reviewed it yet."""
        return self._was_suspicious and not self.approvals and self.refusal is None

    @property
    def has_hold(self) -> bool:
        """Whether the ledger may have reserved money for the order. A deposit has no money to reserve."""
        return self._was_suspicious and self.parties.source is not None

    @property
    def _was_suspicious(self) -> bool:
        return self.decision is not None and self.decision.must_wait

    @property
    def is_chargeback(self) -> bool:
        """Whether this reverses a transaction whose money the payment provider has already taken back."""
        return self.order.reversal is not None and self.requester.user_id == PROVIDER.user_id

    @property
    def is_open(self) -> bool:
        """Whether the outcome is not known yet."""
        return self.status in OPEN

    @property
    def principal_user_id(self) -> str:
        """Return the owner of the order: the owner of the debited account, or of the account that a deposit credits.

        If this account does not exist, the requester is the owner of the order. A reversal without a debited account
        belongs to the owner of the credited account.
        """
        party = self.parties.destination if self.order.type is TransactionType.DEPOSIT else self.parties.source
        if party is None and self.order.reversal is not None:
            party = self.parties.destination
        return party.user_id if party else self.requester.user_id

    def visible_to(self, viewer: Caller) -> bool:
        """Whether `viewer` may see the transaction. Staff and the owner of the order always see it.

        The receiver sees it when it is settled. The receiver does not see failed transactions, because they would
        reveal something about the sender's balance.
        """
        destination = self.parties.destination
        return may_read(viewer, self.principal_user_id) or (
            self.status in SETTLED and destination is not None and destination.user_id == viewer.user_id
        )

    def requested_by(self, viewer: Caller) -> str | None:
        """Return the user who gave the order. The result is None if `viewer` may not see this user.

        The owner of the order and staff may see the user. But only staff may see who made a reversal. A chargeback was
        made by no user.
        """
        if self.is_chargeback:
            return None
        if self.order.reversal is not None and not reads_all(viewer):
            return None
        return self.requester.user_id if may_read(viewer, self.principal_user_id) else None

    def conversion_for(self, viewer: Caller) -> Conversion | None:
        """Return the conversion, as `viewer` sees it.

        It would reveal the currency of another person's account, so only staff see it before the money has moved.
        """
        return self.conversion if self.status in SETTLED or reads_all(viewer) else None

    def counterparty(self, viewer: Caller) -> Party | None:
        """Return the account on the other side of the transaction, as `viewer` sees it.

        The receiver gets the sender's account. Staff, the sender, and the owner of both accounts get the receiver's
        account. The result is None until the money has moved, so that a refused order does not reveal whether the named
        account exists.
        """
        source, destination = self.parties.source, self.parties.destination
        if self.status not in SETTLED or source is None or destination is None:
            return None
        received = destination.user_id == viewer.user_id != source.user_id
        return source if received else destination


def open_transaction(
    transaction_id: str, order: Order, requester: Requester, parties: Parties, at: datetime
) -> Transaction:
    """Return the record of a new order. Its status is PENDING, or FAILED if it is refused without asking the ledger.

    A transfer to an unknown receiver is PENDING, because the ledger must check the requester's own funds first.

    Raises:
        Forbidden: the requester may see the debited account (for a deposit, the credited one), but does not own it.
    """
    problem = _refusal(order, requester, parties)
    status = TransactionStatus.PENDING if problem is None else TransactionStatus.FAILED
    return Transaction(transaction_id, order, requester, parties, status, problem, at, at)


def _refusal(order: Order, requester: Requester, parties: Parties) -> Problem | None:
    is_deposit = order.type is TransactionType.DEPOSIT
    named, own = (order.destination, parties.destination) if is_deposit else (order.source, parties.source)
    operation = _OPERATIONS[order.type]
    if own is None or not PERMISSIONS[operation].allows(requester, own.user_id):
        if own is not None and may_read(requester, own.user_id):
            raise Forbidden("Only the owner moves money of an account")
        return InvalidAccount(account_id=named or "")
    if parties.source and parties.destination and parties.source.account_id == parties.destination.account_id:
        return SameAccount()
    return None


def in_requester_terms(problem: Problem, transaction: Transaction) -> Problem:
    """Return the ledger's `problem`, with the accounts named as the requester has named them.

    The ledger names accounts by id. If the requester named the receiver by account number, the requester must not learn
    the id.
    """
    destination = transaction.parties.destination
    named = transaction.order.destination
    if isinstance(problem, InvalidAccount) and destination and named and problem.account_id == destination.account_id:
        return replace(problem, account_id=named)
    return problem
