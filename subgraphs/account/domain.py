"""Accounts, and the rules for opening, changing and closing them. Pure: no I/O, no clock, no store.

A rule takes the stored account, or None if there is no such account. It returns the changed account or a refusal. The
store calls the rule inside a database transaction. If the store must repeat the transaction, it calls the rule again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stdnum.iso7064 import mod_11_10

from bank.permissions import ALL_STAFF, Permission
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
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from bank.permissions import Actor

ACCOUNT_NUMBER_DIGITS = 10


class AccountStatus(StrEnum):
    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class AccountType(StrEnum):
    CHECKING = "CHECKING"
    SAVINGS = "SAVINGS"
    BUSINESS = "BUSINESS"


# The account statuses that a list shows if the client sets no status filter.
OPEN_STATUSES = (AccountStatus.ACTIVE, AccountStatus.FROZEN)


class Operation(StrEnum):
    """The operations on an account that need a permission."""

    READ = "read"
    OPEN = "open"
    CHANGE_TYPE = "change the type of"
    FREEZE = "freeze or unfreeze"
    CLOSE = "close"
    DEBIT = "debit"
    DEPOSIT = "deposit into"
    REVERSE = "reverse a transaction of"


# Staff may read and freeze the accounts of others. Only the owner may move money or close an account. An account of a
# member of staff must be frozen and unfrozen by a colleague.
PERMISSIONS: Final[Mapping[Operation, Permission]] = MappingProxyType(
    {
        Operation.READ: Permission(owner=True, staff=ALL_STAFF),
        Operation.OPEN: Permission(owner=True),
        Operation.CHANGE_TYPE: Permission(owner=True),
        Operation.FREEZE: Permission(staff=ALL_STAFF),
        Operation.CLOSE: Permission(owner=True),
        Operation.DEBIT: Permission(owner=True),
        Operation.DEPOSIT: Permission(owner=True),
        Operation.REVERSE: Permission(staff=ALL_STAFF),
    }
)


class StaffActionKind(StrEnum):
    FROZEN = "FROZEN"
    UNFROZEN = "UNFROZEN"


@dataclass(frozen=True, slots=True)
class StaffAction:
    """A change that the bank's staff made to an account: what was changed, by whom and when."""

    kind: StaffActionKind
    user_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account at one moment.

    Attributes:
        balance: the sum of its ledger entries, with the currency's decimals.
        held: the part of the balance that is reserved.
        version: increases with every change and every posting.
        balance_as_of: when the balance last changed.
        staff_action: the last change that staff made; None if there is none.
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
    staff_action: StaffAction | None = None

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
    """The requested changes to an account. A field that is None is not changed."""

    type: AccountType | None = None
    status: AccountStatus | None = None
    expected_version: int | None = None


def draw_account_number() -> str:
    """Return ten random digits without a leading zero.

    The last digit is the check digit of the other nine (ISO 7064 MOD 11,10). The number is random, so that it does not
    reveal how many accounts exist.
    """
    body = str(secrets.choice("123456789")) + "".join(
        secrets.choice("0123456789") for _ in range(ACCOUNT_NUMBER_DIGITS - 2)
    )
    return body + mod_11_10.calc_check_digit(body)


def open_account(opening: Opening, *, already_open: int, limit: int, now: datetime) -> Account | LimitReached:
    """Return a new, empty account. If the user already has `limit` accounts, return a refusal.

    `already_open` is the number of the user's accounts.
    """
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


def may(actor: Actor, operation: Operation, owner_id: str | None) -> bool:
    """Whether `PERMISSIONS` allows `actor` to do `operation` with an account of `owner_id`."""
    return PERMISSIONS[operation].allows(actor, owner_id)


def reads_all(actor: Actor) -> bool:
    """Whether `actor` may see the accounts of all users."""
    return PERMISSIONS[Operation.READ].allows_staff(actor)


def check_may_change(change: Change, actor: Actor) -> None:
    """Check whether the actor's role allows the change, before the account is read.

    Raises:
        Forbidden: a customer wants to freeze or unfreeze an account.
    """
    if change.status is not None and not PERMISSIONS[Operation.FREEZE].allows_staff(actor):
        raise Forbidden("Only the bank freezes and unfreezes accounts")


def update_account(
    account: Account | None, account_id: str, change: Change, actor: Actor, now: datetime
) -> Account | Problem:
    """Change type or status. If no value changes, the version stays the same.

    Raises:
        Forbidden: the actor may see the account but not change it in this way; see also `check_may_change`.
    """
    check_may_change(change, actor)
    found = usable(account, account_id, actor, *_operations(change))
    if not isinstance(found, Account):
        return found
    if conflict := version_conflict(found, change.expected_version):
        return conflict
    if found.status is AccountStatus.FROZEN and change.status is None:
        return StateConflict()
    changed = replace(found, type=change.type or found.type, status=change.status or found.status)
    if changed == found:
        return found
    if changed.status is not found.status:
        frozen = changed.status is AccountStatus.FROZEN
        kind = StaffActionKind.FROZEN if frozen else StaffActionKind.UNFROZEN
        changed = replace(changed, staff_action=StaffAction(kind, actor.user_id, now))
    return replace(changed, version=found.version + 1, updated_at=now)


def _operations(change: Change) -> tuple[Operation, ...]:
    kinds = ((change.type, Operation.CHANGE_TYPE), (change.status, Operation.FREEZE))
    return tuple(operation for given, operation in kinds if given is not None)


def close_account(
    account: Account | None, account_id: str, expected_version: int | None, actor: Actor, now: datetime
) -> Account | Problem:
    """Close an account whose balance is zero. A frozen account can be closed, too.

    Raises:
        Forbidden: the actor may see the account but not close it.
    """
    found = usable(account, account_id, actor, Operation.CLOSE)
    if not isinstance(found, Account):
        return found
    if conflict := version_conflict(found, expected_version):
        return conflict
    if found.balance != 0:
        return AccountNotEmpty(found.balance, found.currency)
    return replace(found, status=AccountStatus.CLOSED, version=found.version + 1, updated_at=now)


def usable(account: Account | None, account_id: str, actor: Actor, *operations: Operation) -> Account | InvalidAccount:
    """Return the account if the actor may see it and it is not closed. Otherwise return the refusal.

    The refusal says that the account is closed only if the actor may see the account.

    Raises:
        Forbidden: the actor may see the account, but has no permission for at least one of `operations`.
    """
    if account is None or not may(actor, Operation.READ, account.user_id):
        return InvalidAccount(account_id)
    for operation in operations:
        if not may(actor, operation, account.user_id):
            raise Forbidden(f"You may not {operation} this account")
    if account.status is AccountStatus.CLOSED:
        return InvalidAccount(account_id, CLOSED_REASON)
    return account


def version_conflict(account: Account, expected: int | None) -> VersionConflict | None:
    """Return the conflict if `expected` is given and differs from the account's version; otherwise None."""
    if expected is None or expected == account.version:
        return None
    return VersionConflict(expected_version=expected, current_version=account.version)
