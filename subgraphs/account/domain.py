"""Accounts, and the rules for opening, changing and closing them. Pure: no I/O, no clock, no store.

A rule takes the stored account (or None) and returns the changed account or a refusal. The store calls it inside a
database transaction, and calls it again when it has to retry the transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from stdnum.iso7064 import mod_11_10

from bank.values import from_minor_units, new_object_id
from servicekit.errors import Forbidden
from subgraphs.account.problems import (
    CLOSED_REASON,
    AccountNotEmpty,
    InvalidAccount,
    LimitReached,
    Problem,
    StateConflict,
    VersionConflict,
)

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

ACCOUNT_NUMBER_DIGITS = 10


class AccountStatus(StrEnum):
    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class AccountType(StrEnum):
    CHECKING = "CHECKING"
    SAVINGS = "SAVINGS"
    BUSINESS = "BUSINESS"


# The statuses of accounts in lists without a status filter.
OPEN_STATUSES = (AccountStatus.ACTIVE, AccountStatus.FROZEN)


class Actor(Protocol):
    """Who acts: `bank.identity.Caller`, or the person on whose behalf a service acts."""

    @property
    def user_id(self) -> str: ...

    @property
    def is_staff(self) -> bool: ...

    def may_see(self, owner_id: str | None) -> bool:
        """Whether the actor may see and use the data of this owner."""


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account at one moment.

    Attributes:
        balance: the sum of its ledger entries, with the currency's decimals.
        held: the part of the balance that is reserved.
        version: increases with every change and every posting.
        balance_as_of: when the balance last changed.
    """

    id: str
    user_id: str
    number: str
    type: AccountType
    currency: str
    balance: Decimal
    held: Decimal
    status: AccountStatus
    version: int
    balance_as_of: datetime
    created_at: datetime
    updated_at: datetime

    @property
    def available(self) -> Decimal:
        """The part of the balance that can be spent."""
        return self.balance - self.held


@dataclass(frozen=True, slots=True)
class Opening:
    """An application for a new account."""

    user_id: str
    type: AccountType
    currency: str


@dataclass(frozen=True, slots=True)
class Change:
    """The changes to an account. What is None does not change."""

    type: AccountType | None = None
    status: AccountStatus | None = None
    expected_version: int | None = None


def draw_account_number() -> str:
    """Ten random digits without a leading zero; the last is the ISO 7064 MOD 11,10 check digit of the others.

    A random number does not show how many accounts exist.
    """
    body = str(secrets.choice("123456789")) + "".join(
        secrets.choice("0123456789") for _ in range(ACCOUNT_NUMBER_DIGITS - 2)
    )
    return body + mod_11_10.calc_check_digit(body)


def is_account_number(text: str) -> bool:
    """Whether `text` is 10 ASCII digits with a valid check digit."""
    return len(text) == ACCOUNT_NUMBER_DIGITS and text.isascii() and text.isdigit() and mod_11_10.is_valid(text)


def open_account(opening: Opening, *, already_open: int, limit: int, now: datetime) -> Account | LimitReached:
    """A new, empty account; refused if the user has `limit` accounts in use (`already_open` counts them)."""
    if already_open >= limit:
        return LimitReached(limit)
    nothing = from_minor_units(0, opening.currency)
    return Account(
        id=new_object_id(),
        user_id=opening.user_id,
        number=draw_account_number(),
        type=opening.type,
        currency=opening.currency,
        balance=nothing,
        held=nothing,
        status=AccountStatus.ACTIVE,
        version=1,
        balance_as_of=now,
        created_at=now,
        updated_at=now,
    )


def check_may_change(change: Change, actor: Actor) -> None:
    """Check the actor's role before the account is known.

    Raises:
        Forbidden: a customer wants to freeze or unfreeze an account.
    """
    if change.status is not None and not actor.is_staff:
        raise Forbidden("Only the bank freezes and unfreezes accounts")


def update_account(
    account: Account | None, account_id: str, change: Change, actor: Actor, now: datetime
) -> Account | Problem:
    """Change type or status. If the values stay the same, so does the version.

    Raises:
        Forbidden: see `check_may_change`.
    """
    check_may_change(change, actor)
    found = usable(account, account_id, actor)
    if not isinstance(found, Account):
        return found
    if conflict := version_conflict(found, change.expected_version):
        return conflict
    if found.status is AccountStatus.FROZEN and not actor.is_staff:
        return StateConflict()
    changed = replace(found, type=change.type or found.type, status=change.status or found.status)
    return found if changed == found else replace(changed, version=found.version + 1, updated_at=now)


def close_account(
    account: Account | None, account_id: str, expected_version: int | None, actor: Actor, now: datetime
) -> Account | Problem:
    """Close an empty account, which may be frozen."""
    found = usable(account, account_id, actor)
    if not isinstance(found, Account):
        return found
    if conflict := version_conflict(found, expected_version):
        return conflict
    if found.balance != 0:
        return AccountNotEmpty(found.balance, found.currency)
    return replace(found, status=AccountStatus.CLOSED, version=found.version + 1, updated_at=now)


def usable(account: Account | None, account_id: str, actor: Actor) -> Account | InvalidAccount:
    """Return the account if it is open and the actor may use it. Only an actor who may see it is told "closed"."""
    if account is None or not actor.may_see(account.user_id):
        return InvalidAccount(account_id)
    if account.status is AccountStatus.CLOSED:
        return InvalidAccount(account_id, CLOSED_REASON)
    return account


def version_conflict(account: Account, expected: int | None) -> VersionConflict | None:
    """The conflict if `expected` is given and differs from the account's version."""
    if expected is None or expected == account.version:
        return None
    return VersionConflict(expected_version=expected, current_version=account.version)
