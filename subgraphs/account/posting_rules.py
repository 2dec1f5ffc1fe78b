"""The rules that decide whether a posting is made or refused (bank §2.7). Pure.

Only a person who can send money may learn whether another account can receive it. So the person's own accounts and
funds are checked first. If the receiver's account cannot receive the money, the problem is the same for every reason.
Receivers that do not exist or cannot receive money are counted, so that nobody can search for accounts
(`WRONG_RECEIVERS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeGuard

from bank.values import from_minor_units
from subgraphs.account.domain import Account, AccountStatus, Operation, may
from subgraphs.account.limits import MAX_UNITS, LimitKind, Limits, end_of_day
from subgraphs.account.postings import CustomerAccount, InternalAccount, Posting, PostingType
from subgraphs.account.problems import (
    CLOSED_REASON,
    NOT_THE_OWNER_REASON,
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    Problem,
    ReceiverUnavailable,
    SameAccount,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from decimal import Decimal

# The refusals that reveal something about the account of another person. The refusals of a person are counted for this
# time.
WRONG_RECEIVERS: Final = frozenset({InvalidAccount.code, ReceiverUnavailable.code})
WRONG_RECEIVER_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The data on which the decision about a posting depends, read inside the store's transaction.

    Attributes:
        at: the time of the decision and of the entries.
        customers: the customers' accounts in the posting, by id. Accounts that do not exist are missing.
        limits: the limits that apply.
        moved_today: what the person has moved on this day in the direction and currency of the posting.
        wrong_receivers: how many refusals of the kinds `WRONG_RECEIVERS` the person got within `WRONG_RECEIVER_WINDOW`.
    """

    at: datetime
    customers: Mapping[str, Account]
    limits: Limits
    moved_today: Decimal
    wrong_receivers: int


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry to write.

    `balance_after` is the balance of a customer's account after the entry; None for an internal account.
    """

    account: CustomerAccount | InternalAccount
    amount: Decimal
    balance_after: Decimal | None


def decide(posting: Posting, ledger: LedgerView) -> tuple[Movement, ...] | Problem:
    """Return the entries to write, or the first reason for a refusal.

    Checks come in this order: the actor's own accounts, their status and currency, own funds, own limits, accounts of
    others.
    """
    for check in (_not_usable, _same, _frozen, _other_currency, _too_poor, _too_much, _wrong_receiver):
        for refusal in check(posting, ledger):
            return refusal
    return tuple(_movements(posting, ledger))


def _not_usable(posting: Posting, ledger: LedgerView) -> Iterator[InvalidAccount]:
    """Refuse accounts for which the actor has no permission, and closed accounts of the actor.

    No permission is needed for the account of a transfer's receiver.
    """
    actor = posting.on_behalf_of
    for account_id, amount in _customer_entries(posting):
        account = ledger.customers.get(account_id)
        operation = _operation(posting, amount)
        if operation is not None and (account is None or not may(actor, operation, account.user_id)):
            readable = account is not None and may(actor, Operation.READ, account.user_id)
            yield InvalidAccount(account_id, NOT_THE_OWNER_REASON if readable else None)
        elif _is_own(account, posting) and account.status is AccountStatus.CLOSED:
            yield InvalidAccount(account_id, CLOSED_REASON)


def _operation(posting: Posting, amount: Decimal) -> Operation | None:
    """Return the operation that the actor needs a permission for, to make an entry of `amount` on an account.

    Return None for the receiver of a transfer, because no permission is needed to send money to somebody.
    """
    if posting.type is PostingType.DEPOSIT:
        return Operation.DEPOSIT
    return Operation.DEBIT if amount < 0 else None


def _same(posting: Posting, _ledger: LedgerView) -> Iterator[Problem]:
    if len(posting.customer_ids()) < sum(isinstance(e.account, CustomerAccount) for e in posting.entries):
        yield SameAccount()


def _frozen(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account in _own_accounts(posting, ledger):
        if account.status is AccountStatus.FROZEN:
            yield AccountFrozen(account.id)


def _other_currency(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account in _own_accounts(posting, ledger):
        if account.currency != posting.currency:
            yield CurrencyMismatch(account.currency)


def _too_poor(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account_id, amount in _customer_entries(posting):
        if amount < 0 and (available := ledger.customers[account_id].available) + amount < 0:
            yield InsufficientFunds(available, -amount, posting.currency)


def _too_much(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    limits, currency = ledger.limits, posting.currency
    per_order, per_day = limits.order.of(currency), limits.day.of(currency)
    if posting.amount > per_order:
        yield AmountLimitExceeded(LimitKind.ORDER, per_order, per_order, currency)
    if posting.amount + ledger.moved_today > per_day:
        left = max(per_day - ledger.moved_today, from_minor_units(0, currency))
        yield AmountLimitExceeded(LimitKind.DAY, per_day, left, currency, end_of_day(ledger.at))
    for account_id, amount in _customer_entries(posting):
        account = ledger.customers.get(account_id)
        if _is_own(account, posting) and not _has_room(account, amount, limits):
            limit = limits.balance.of(currency)
            left = max(limit - account.balance, from_minor_units(0, currency))
            yield AmountLimitExceeded(LimitKind.BALANCE, limit, left, currency)


def _has_room(account: Account, amount: Decimal, limits: Limits) -> bool:
    return amount < 0 or account.balance + amount <= limits.balance.of(account.currency)


def _wrong_receiver(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    """Refuse receivers that do not exist or cannot receive.

    If the person has named too many wrong receivers, refuse every receiver with the same problem.
    """
    for account_id, amount in _customer_entries(posting):
        account = ledger.customers.get(account_id)
        if _is_own(account, posting):
            continue
        if ledger.wrong_receivers >= ledger.limits.receiver_tries:
            yield ReceiverUnavailable()
        elif account is None:
            yield InvalidAccount(account_id)
        elif not _can_receive(account, posting.currency, amount, ledger.limits):
            yield ReceiverUnavailable()


def _can_receive(account: Account, currency: str, amount: Decimal, limits: Limits) -> bool:
    active = account.status is AccountStatus.ACTIVE and account.currency == currency
    return active and _has_room(account, amount, limits)


def _customer_entries(posting: Posting) -> Iterator[tuple[str, Decimal]]:
    return ((e.account.id, e.amount) for e in posting.entries if isinstance(e.account, CustomerAccount))


def _is_own(account: Account | None, posting: Posting) -> TypeGuard[Account]:
    return account is not None and account.user_id == posting.on_behalf_of.user_id


def _own_accounts(posting: Posting, ledger: LedgerView) -> Iterator[Account]:
    found = (ledger.customers.get(account_id) for account_id in posting.customer_ids())
    return (account for account in found if _is_own(account, posting))


def _movements(posting: Posting, ledger: LedgerView) -> Iterator[Movement]:
    for entry in posting.entries:
        after = None
        if isinstance(entry.account, CustomerAccount):
            after = ledger.customers[entry.account.id].balance + entry.amount
        yield Movement(entry.account, entry.amount, after)


def reaches_bound(posting: Posting, ledger: LedgerView) -> bool:
    """Whether a balance would exceed `MAX_UNITS`, although the settings allow it."""
    if not ledger.limits.balance.exceeds_bound(posting.currency):
        return False
    bound = from_minor_units(MAX_UNITS, posting.currency)
    found = ((ledger.customers.get(account_id), amount) for account_id, amount in _customer_entries(posting))
    return any(account is not None and account.balance + amount > bound for account, amount in found)
