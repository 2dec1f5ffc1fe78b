"""Postings: balanced sets of ledger entries (bank §2.7). Pure.

Every movement of money is one posting: at least two entries that sum to zero, on customers' accounts or on internal
accounts of the bank. When money enters or leaves the bank, an internal account has the opposite entry. An internal
account has no stored balance, because the sum of all customers' money has no bound; its balance is the sum of its
entries. Ann pays 10.00 USD into her account:

```
Posting(type=DEPOSIT, amount=10.00, entries=(Entry(InternalAccount("DEPOSITS"), -10.00), Entry("65f…", +10.00)))
```

Owner, status, currency, funds and limits are checked only in `posting_rules.decide`. `settlement.settle` returns
everything that the store has to write. The store calls it inside a database transaction and writes exactly this.
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

# A transfer has two entries; fees and splits need a few more. A database transaction has to stay short.
MAX_ENTRIES = 20


class PostingType(StrEnum):
    TRANSFER = "TRANSFER"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    PAYMENT = "PAYMENT"


@dataclass(frozen=True, slots=True)
class InternalAccount:
    """An account of the bank; there is one for each currency.

    The first posting creates it, and only the store knows its id.
    """

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

    @property
    def direction(self) -> Direction:
        """Return the direction whose daily sum the posting increases."""
        return Direction.IN if self.type is PostingType.DEPOSIT else Direction.OUT

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
