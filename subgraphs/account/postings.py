"""Postings: balanced sets of ledger entries (bank §2.7).

Every movement of money is one posting: at least two entries that sum to zero, on customers' accounts or on internal
accounts of the bank. When money enters or leaves the bank, an internal account gets the opposite entry. The balance of
an internal account is the sum of its entries. It is not stored, because it can be as large as the sum of all customers'
money, which has no bound. Ann pays 10.00 USD into her account:

```
Posting(type=DEPOSIT, amount=10.00, entries=(Entry(InternalAccount("DEPOSITS"), -10.00), Entry("65f…", +10.00)))
```

If the accounts have different currencies, the bank's position in each currency is an internal account, and the entries
sum to zero in each currency. Ann sends 10.00 EUR, and Bob receives 10.85 USD:

```
(Entry("65a…", -10.00), Entry(EXCHANGE, +10.00), Entry(EXCHANGE, -10.85, "USD"), Entry("65b…", +10.85, "USD"))
```

Only `posting_rules.decide` checks owner, status, currency, funds and limits. The store calls `settlement.settle` inside
a database transaction, and writes exactly what it returns.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

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
    """One entry of a posting. A negative amount debits the account, a positive amount credits it.

    `currency` is None for the currency of the posting.
    """

    account: CustomerAccount | InternalAccount
    amount: Decimal
    currency: str | None = None


# The bank's position in a currency: what it has bought by exchanges, less what it has sold.
EXCHANGE: Final = InternalAccount("EXCHANGE")
_EXCHANGE_ENTRIES: Final = 4
_EXCHANGED: Final = frozenset({PostingType.TRANSFER, PostingType.REVERSAL})


@dataclass(frozen=True, slots=True)
class Posting:
    """An order to post entries.

    Attributes:
        transaction_id: 24 hex digits; at most one posting is made for it.
        amount: a positive amount, which is the sum of the credits and the sum of the debits in `currency`.
        currency: the currency of the account that pays.

    Raises:
        InvalidValue: the posting can never be valid: for example, its entries do not sum to zero.
    """

    transaction_id: str
    on_behalf_of: OnBehalfOf
    type: PostingType
    amount: Decimal
    currency: str
    entries: tuple[Entry, ...]
    _customer_ids: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = dict.fromkeys(e.account.id for e in self.entries if isinstance(e.account, CustomerAccount))
        object.__setattr__(self, "_customer_ids", tuple(ids))
        if not is_object_id(self.transaction_id):
            raise InvalidValue("transactionId is not 24 hex digits")
        if self.is_exchange:
            self._check_exchange()
        units = [to_minor_units(entry.amount, self.currency_of(entry)) for entry in self.entries]
        amount = to_minor_units(self.amount, self.currency)
        if amount <= 0 or 0 in units:
            raise InvalidValue("the amount must be positive, and no entry may be zero")
        if not 2 <= len(units) <= MAX_ENTRIES:  # noqa: PLR2004 - double entry
            raise InvalidValue(f"a posting has 2 to {MAX_ENTRIES} entries")
        own = [u for u, e in zip(units, self.entries, strict=True) if self.currency_of(e) == self.currency]
        if sum(own) != 0 or sum(u for u in own if u > 0) != amount:
            raise InvalidValue("debits and credits must each sum to the amount")
        debited, credited = _SIDES[self.type]
        entries = [e for e in self.entries if not self.is_exchange or e.account != EXCHANGE]
        if not all(isinstance(e.account, debited if e.amount < 0 else credited) for e in entries):
            raise InvalidValue(f"a {self.type} does not debit or credit such accounts")
        if not self.customer_ids():
            raise InvalidValue("a posting has an entry of a customer's account")

    def _check_exchange(self) -> None:
        """Check that a customer pays the bank in one currency, and the bank pays a customer in another one."""
        entries = self.entries
        if self.type not in _EXCHANGED or len(entries) != _EXCHANGE_ENTRIES:
            raise InvalidValue("a posting in several currencies is a transfer or a reversal with four entries")
        payer, bought, sold, receiver = entries
        shape = (payer.amount < 0 < bought.amount, sold.amount < 0 < receiver.amount)
        sums = (payer.amount + bought.amount, sold.amount + receiver.amount)
        currencies = [self.currency_of(entry) for entry in entries]
        if shape != (True, True) or any(sums) or (bought.account, sold.account) != (EXCHANGE, EXCHANGE):
            raise InvalidValue("an exchange debits an account and the bank, and credits the bank and an account")
        if any(isinstance(each.account, InternalAccount) for each in (payer, receiver)):
            raise InvalidValue("an exchange is between accounts of customers")
        if currencies != [self.currency, self.currency, currencies[3], currencies[3]]:
            raise InvalidValue("the entries of an exchange must sum to zero in each currency")

    @property
    def is_exchange(self) -> bool:
        """Whether the entries have more than one currency."""
        return any(self.currency_of(entry) != self.currency for entry in self.entries)

    def currency_of(self, entry: Entry) -> str:
        return entry.currency or self.currency

    def currency_of_account(self, account_id: str) -> str:
        """Return the currency of the entries of a customer's account."""
        return next(
            (self.currency_of(entry) for entry in self.entries if entry.account == CustomerAccount(account_id)),
            self.currency,
        )

    @property
    def direction(self) -> Direction:
        """Return the direction whose daily sum the posting increases."""
        return Direction.IN if self.type is PostingType.DEPOSIT else Direction.OUT

    def customer_ids(self) -> tuple[str, ...]:
        """Return the ids of the customers' accounts in the entries, without duplicates."""
        return self._customer_ids

    def content_hash(self) -> str:
        """Return the SHA-256 digest of the posting's content in hex.

        The transaction id and the actor's roles are not part of the content.
        """
        content = [
            self.on_behalf_of.user_id,
            self.type,
            self.currency,
            to_minor_units(self.amount, self.currency),
            [self._content_of(e) for e in self.entries],
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()

    def _content_of(self, entry: Entry) -> list[str | int]:
        currency = self.currency_of(entry)
        content: list[str | int] = [*_name_of(entry.account), to_minor_units(entry.amount, currency)]
        return content if currency == self.currency else [*content, currency]


def _name_of(account: CustomerAccount | InternalAccount) -> tuple[str, str]:
    return ("internal", account.name) if isinstance(account, InternalAccount) else ("customer", account.id)
