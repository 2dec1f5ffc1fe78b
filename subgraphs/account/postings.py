"""Postings: balanced sets of ledger entries (bank §2.7).

Every movement of money is one posting: at least two entries that sum to zero, on customers' accounts or on internal
accounts of the bank. When money enters or leaves the bank, an internal account gets the opposite entry. The balance of
an internal account is the sum of its entries. It is not stored, because it can be as large as the sum of all customers'
money, which has no bound. Ann pays 10.00 USD into her account:

```
Posting(type=DEPOSIT, amount=10.00, entries=(Entry(InternalAccount("DEPOSITS"), -10.00), Entry("65f…", +10.00)))
```

Only `posting_rules.decide` checks owner, status, currency, funds and limits. The store calls `settlement.settle` inside
a database transaction, and writes exactly what it returns.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bank.values import InvalidValue, is_object_id, to_minor_units
from subgraphs.account.limits import Direction

if TYPE_CHECKING:
    from decimal import Decimal

# The largest number of entries of a posting. A transfer has two; fees and splits need a few more. The number is limited
# so that the database transaction stays short.
MAX_ENTRIES = 20


class PostingType(StrEnum):
    TRANSFER = "TRANSFER"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    PAYMENT = "PAYMENT"
    REVERSAL = "REVERSAL"


@dataclass(frozen=True, slots=True)
class InternalAccount:
    """An account of the bank, such as `DEPOSITS`. It exists once for each currency.

    The store creates the account at its first posting. Only the store knows the id of the account.
    """

    name: str


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """A customer's account in a posting."""

    id: str


# Maps a type of posting to two kinds of accounts: the debited kind and the credited kind.
_ANY = (InternalAccount, CustomerAccount)
_SIDES: dict[PostingType, tuple[type | tuple[type, ...], type | tuple[type, ...]]] = {
    PostingType.TRANSFER: (CustomerAccount, CustomerAccount),
    PostingType.DEPOSIT: (InternalAccount, CustomerAccount),
    PostingType.WITHDRAWAL: (CustomerAccount, InternalAccount),
    PostingType.PAYMENT: (CustomerAccount, InternalAccount),
    PostingType.REVERSAL: (_ANY, _ANY),
}


@dataclass(frozen=True, slots=True)
class OnBehalfOf:
    """The person on whose behalf a posting is made.

    The person's roles decide what is allowed. They are not recorded.
    """

    user_id: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a posting. A negative amount debits the account, a positive amount credits it."""

    account: CustomerAccount | InternalAccount
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """An order to post entries.

    Attributes:
        transaction_id: 24 hex digits; at most one posting is made for it.
        amount: a positive amount, which is the sum of the credits and the sum of the debits.

    Raises:
        InvalidValue: the posting can never be valid: for example, its entries do not sum to zero.
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
        if not self.customer_ids():
            raise InvalidValue("a posting has an entry of a customer's account")

    @property
    def direction(self) -> Direction:
        """Return the direction whose daily sum the posting increases."""
        return Direction.IN if self.type is PostingType.DEPOSIT else Direction.OUT

    def customer_ids(self) -> tuple[str, ...]:
        """Return the ids of the customers' accounts in the entries, without duplicates."""
        return tuple(dict.fromkeys(e.account.id for e in self.entries if isinstance(e.account, CustomerAccount)))

    def internal_names(self) -> tuple[str, ...]:
        """Return the names of the internal accounts in the entries, without duplicates."""
        return tuple(dict.fromkeys(e.account.name for e in self.entries if isinstance(e.account, InternalAccount)))

    def content_hash(self) -> str:
        """Return the SHA-256 digest of the posting's content in hex.

        The transaction id and the actor's roles are not part of the content.
        """
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
