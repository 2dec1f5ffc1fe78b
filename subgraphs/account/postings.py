"""Postings: balanced sets of ledger entries, and the rules that post or refuse them (bank §2.7). Pure.

Every movement of money is one posting: at least two entries that sum to zero, on customers' accounts or on internal
accounts of the bank, which balance money that enters or leaves. Ann pays 10.00 USD into her account:

```
Posting(type=DEPOSIT, amount=10.00, entries=(Entry(InternalAccount("DEPOSITS"), -10.00), Entry("65f…", +10.00)))
```

`decide` alone checks owner, status, currency and funds. `settle` also returns what the store must write. The store
calls `settle` inside a database transaction, and writes exactly this.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bank.identity import ADMIN, SUPPORT
from bank.values import InvalidValue, format_timestamp, from_minor_units, is_object_id, to_minor_units
from subgraphs.account.domain import Account, AccountStatus, Actor, usable
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.problems import (
    AccountFrozen,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    PaymentDeclined,
    Problem,
    SameAccount,
)
from subgraphs.kit.domain_problems import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from decimal import Decimal

# The largest balance in minor units, positive or negative. Sums of a few such balances fit the 64-bit integers of the
# SQLite store. Only deposits can reach this limit: an internal account owes at least what all customers own, so its
# balance reaches the limit first.
MAX_UNITS = 10**18
# A transfer has two entries; fees and splits need a few more. A database transaction has to stay short.
MAX_ENTRIES = 20


class PostingType(StrEnum):
    TRANSFER = "TRANSFER"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    PAYMENT = "PAYMENT"


@dataclass(frozen=True, slots=True)
class InternalAccount:
    """An account of the bank, one for each currency. The first posting creates it, and only the store knows its id."""

    name: str


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """A customer's account in a posting."""

    id: str


# The kinds of accounts that are debited and credited.
_SIDES: dict[PostingType, tuple[type, type]] = {
    PostingType.TRANSFER: (CustomerAccount, CustomerAccount),
    PostingType.DEPOSIT: (InternalAccount, CustomerAccount),
    PostingType.WITHDRAWAL: (CustomerAccount, InternalAccount),
    PostingType.PAYMENT: (CustomerAccount, InternalAccount),
}


@dataclass(frozen=True, slots=True)
class OnBehalfOf:
    """The person on whose behalf a posting is made. The roles decide what is allowed; they are not recorded."""

    user_id: str
    roles: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & {SUPPORT, ADMIN})

    def may_see(self, owner_id: str | None) -> bool:
        return self.is_staff or (owner_id is not None and owner_id == self.user_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a posting: a negative amount debits, a positive amount credits."""

    account: CustomerAccount | InternalAccount
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """An order to post entries.

    Attributes:
        transaction_id: 24 hex digits; at most one posting is made for it.
        amount: positive; the debits and the credits each sum to it.

    Raises:
        InvalidValue: at construction, if the posting is wrong for any accounts.
    """

    transaction_id: str
    on_behalf_of: OnBehalfOf
    type: PostingType
    amount: Decimal
    currency: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not is_object_id(self.transaction_id):
            raise InvalidValue("transactionId is not 24 hex digits")
        units = [to_minor_units(entry.amount, self.currency) for entry in self.entries]
        amount = to_minor_units(self.amount, self.currency)
        if amount <= 0 or 0 in units:
            raise InvalidValue("the amount must be positive, and no entry may be zero")
        if not 2 <= len(units) <= MAX_ENTRIES:  # noqa: PLR2004 - double entry
            raise InvalidValue(f"a posting has 2 to {MAX_ENTRIES} entries")
        if sum(units) != 0 or sum(u for u in units if u > 0) != amount:
            raise InvalidValue("debits and credits must each sum to the amount")
        debited, credited = _SIDES[self.type]
        if not all(isinstance(e.account, debited if e.amount < 0 else credited) for e in self.entries):
            raise InvalidValue(f"a {self.type} does not debit or credit such accounts")

    def customer_ids(self) -> tuple[str, ...]:
        """The customers' accounts of the entries, each once."""
        return tuple(dict.fromkeys(e.account.id for e in self.entries if isinstance(e.account, CustomerAccount)))

    def internal_names(self) -> tuple[str, ...]:
        """The internal accounts of the entries, each once."""
        return tuple(dict.fromkeys(e.account.name for e in self.entries if isinstance(e.account, InternalAccount)))

    def content_hash(self) -> str:
        """SHA-256 in hex of the posting's content; without the transaction id and the actor's roles."""
        content = [
            self.on_behalf_of.user_id,
            self.type,
            self.currency,
            to_minor_units(self.amount, self.currency),
            [[*_name_of(e.account), to_minor_units(e.amount, self.currency)] for e in self.entries],
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()


def _name_of(account: CustomerAccount | InternalAccount) -> tuple[str, str]:
    return ("internal", account.name) if isinstance(account, InternalAccount) else ("customer", account.id)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The accounts of a posting, as they are inside the store's transaction."""

    customers: Mapping[str, Account]
    internal: Mapping[str, Decimal]
    """Balances of internal accounts in the posting's currency; an account that does not exist yet is left out."""


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry to write, with the balance after it."""

    account: CustomerAccount | InternalAccount
    amount: Decimal
    balance_after: Decimal


def decide(posting: Posting, ledger: LedgerView) -> tuple[Movement, ...] | Problem:
    """The entries to write, or the first refusal; checks account, status, currency, funds and size, in this order."""
    actor = posting.on_behalf_of
    checks = (_missing, _same, _frozen, _other_currency)
    for check in checks:
        for refusal in check(posting, ledger, actor):
            return refusal
    return _move(posting, ledger)


def _missing(posting: Posting, ledger: LedgerView, actor: Actor) -> Iterator[Problem]:
    """Debited accounts, and the account of a deposit, must be the actor's; other credited accounts must be open."""
    for entry in posting.entries:
        if not isinstance(entry.account, CustomerAccount):
            continue
        account = ledger.customers.get(entry.account.id)
        found = usable(account, entry.account.id, actor)
        anyone_may_credit = entry.amount > 0 and posting.type is not PostingType.DEPOSIT
        open_to_all = anyone_may_credit and account is not None and account.status is not AccountStatus.CLOSED
        if isinstance(found, InvalidAccount) and not open_to_all:
            yield found


def _same(posting: Posting, _ledger: LedgerView, _actor: Actor) -> Iterator[Problem]:
    if len(posting.customer_ids()) < sum(isinstance(e.account, CustomerAccount) for e in posting.entries):
        yield SameAccount()


def _frozen(posting: Posting, ledger: LedgerView, actor: Actor) -> Iterator[Problem]:
    for account in _customers(posting, ledger):
        if account.status is AccountStatus.FROZEN:
            yield AccountFrozen(account.id if actor.may_see(account.user_id) else None)


def _other_currency(posting: Posting, ledger: LedgerView, actor: Actor) -> Iterator[Problem]:
    for account in _customers(posting, ledger):
        if account.currency != posting.currency:
            yield CurrencyMismatch(account.currency if actor.may_see(account.user_id) else None)


def _customers(posting: Posting, ledger: LedgerView) -> Iterator[Account]:
    return (ledger.customers[account_id] for account_id in posting.customer_ids())


def _move(posting: Posting, ledger: LedgerView) -> tuple[Movement, ...] | Problem:
    room = from_minor_units(MAX_UNITS, posting.currency)
    internal = dict(ledger.internal)
    movements: list[Movement] = []
    for entry in posting.entries:
        if isinstance(entry.account, CustomerAccount):
            account = ledger.customers[entry.account.id]
            if account.available + entry.amount < 0:
                return InsufficientFunds(account.available, -entry.amount, posting.currency)
            after = account.balance + entry.amount
        else:
            nothing = from_minor_units(0, posting.currency)
            after = internal.get(entry.account.name, nothing) + entry.amount
            internal[entry.account.name] = after
        if abs(after) > room:
            return PaymentDeclined()
        movements.append(Movement(entry.account, entry.amount, after))
    return tuple(movements)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The definite outcome of a posting, as the ledger records it.

    Attributes:
        decided_at: RFC 3339 text, the same at every repetition.
        problem: the refusal as JSON, which stays readable when its class changes; None when the entries were posted.
    """

    decided_at: str
    problem: Mapping[str, object] | None

    @property
    def posted(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class RecordedPosting:
    """What the ledger has recorded under a transaction id."""

    content_hash: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a store does about a posting: write all of this in one database transaction, return the outcome.

    Attributes:
        outcome: recorded under the posting's transaction id, and returned at every repetition.
        is_new: False for a repetition; the store then writes nothing.
        movements: the entries to write, in the posting's order; none for a refusal.
        accounts: the customers' accounts after the movements, each once.
    """

    outcome: Outcome
    is_new: bool
    movements: tuple[Movement, ...] = ()
    accounts: tuple[Account, ...] = ()


def settle(posting: Posting, ledger: LedgerView, recorded: RecordedPosting | None, at: datetime) -> Settlement:
    """Decide `posting` at the time `at`, once per transaction id (bank §2.7).

    Args:
        posting: the order.
        ledger: the accounts that the posting names.
        recorded: what the ledger has recorded under the posting's transaction id.
        at: the time of the decision and of the entries.

    Raises:
        TransactionIdReused: the transaction id belongs to a posting with other content.
    """
    if recorded is not None:
        if recorded.content_hash != posting.content_hash():
            raise TransactionIdReused
        return Settlement(recorded.outcome, is_new=False)
    verdict = decide(posting, ledger)
    if isinstance(verdict, Problem):
        return Settlement(Outcome(format_timestamp(at), to_json(verdict)), is_new=True)
    accounts = tuple(
        replace(
            ledger.customers[movement.account.id],
            balance=movement.balance_after,
            version=ledger.customers[movement.account.id].version + 1,
            balance_as_of=at,
            updated_at=at,
        )
        for movement in verdict
        if isinstance(movement.account, CustomerAccount)
    )
    return Settlement(Outcome(format_timestamp(at), None), is_new=True, movements=verdict, accounts=accounts)
