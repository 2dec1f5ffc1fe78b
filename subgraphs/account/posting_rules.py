"""The rules that decide whether a posting is made or refused (bank §2.7).

Only a person who can send money may learn whether another account can receive it. So the person's own accounts and
funds are checked first. If the receiver's account cannot receive the money, the problem is the same for every reason.
Receivers that do not exist or cannot receive money are counted, so that nobody can search for accounts
(`WRONG_RECEIVERS`).

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeGuard

from bank.values import from_minor_units
from subgraphs.account.domain import Account, AccountStatus, AccountType, Operation, may
from subgraphs.account.limits import MAX_UNITS, Direction, Limits, MovedSum, end_of_day, end_of_month
from subgraphs.account.postings import CustomerAccount, InternalAccount, Posting, PostingType
from subgraphs.account.problems import (
    CLOSED_REASON,
    NOT_THE_OWNER_REASON,
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    LimitKind,
    Problem,
    ReceiverUnavailable,
    SameAccount,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from decimal import Decimal

# The codes of refusals that reveal something about the account of another person. For each person, these refusals are
# counted over the time `WRONG_RECEIVER_WINDOW`.
WRONG_RECEIVERS: Final = frozenset({InvalidAccount.code, ReceiverUnavailable.code})
WRONG_RECEIVER_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The data on which the decision about a posting depends, read inside the store's transaction.

    Attributes:
        at: the time of the decision and of the entries.
        customers: the customers' accounts in the posting, by id. Accounts that do not exist are missing.
        limits: the limits that apply.
        moved: the person's sums of the day and the month in the direction and currency of the posting.
        wrong_receivers: how often the person was refused with a code of `WRONG_RECEIVERS` within
            `WRONG_RECEIVER_WINDOW`.
    """

    at: datetime
    customers: Mapping[str, Account]
    limits: Limits
    moved: tuple[MovedSum, ...]
    wrong_receivers: int


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry to write.

    Attributes:
        currency: the currency of the amount.
        balance_after: the balance of a customer's account after the entry; None for an internal account.
        released: the amount of the hold that the entry captures; the amount is no longer reserved. None without a hold.
    """

    account: CustomerAccount | InternalAccount
    amount: Decimal
    currency: str
    balance_after: Decimal | None
    released: Decimal | None = None


def decide(posting: Posting, ledger: LedgerView) -> tuple[Movement, ...] | Problem:
    """Return the entries to write, or the first reason for a refusal.

    The checks come in this order: the actor's own accounts, the status and currency of these accounts, the actor's
    funds, the actor's limits, and the accounts of other persons. A reversal by the staff may exceed the limits on
    amounts, and frozen accounts are allowed.
    """
    checks = _REVERSAL_CHECKS if posting.type is PostingType.REVERSAL else _CHECKS
    for check in checks:
        for refusal in check(posting, ledger):
            return refusal
    return tuple(_movements(posting, ledger))


def decide_capture(posting: Posting, ledger: LedgerView) -> tuple[Movement, ...] | Problem:
    """Return the entries to write for a posting whose money is reserved, or the first reason for a refusal.

    Funds and limits were checked when the money was reserved. Only the status of the accounts, and the limit of the
    receiver's balance, must be checked again, because they may have changed.
    """
    for check in (_not_usable, _frozen, _wrong_receiver):
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
        elif _must_be_open(account, posting) and account.status is AccountStatus.CLOSED:
            yield InvalidAccount(account_id, CLOSED_REASON)


def _operation(posting: Posting, amount: Decimal) -> Operation | None:
    """Return the operation that the actor must be allowed to do, for an entry of `amount` on an account.

    Return None for the receiver of a transfer, because no permission is needed to send money to somebody.
    """
    if posting.type is PostingType.REVERSAL:
        return Operation.REVERSE
    if posting.type is PostingType.DEPOSIT:
        return Operation.DEPOSIT
    return Operation.DEBIT if amount < 0 else None


def _same(posting: Posting, _ledger: LedgerView) -> Iterator[Problem]:
    if len(posting.customer_ids()) < sum(isinstance(e.account, CustomerAccount) for e in posting.entries):
        yield SameAccount()


def _frozen(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account in own_accounts(posting, ledger):
        if account.status is AccountStatus.FROZEN:
            yield AccountFrozen(account.id)


def _other_currency(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account in own_accounts(posting, ledger):
        if account.currency != posting.currency_of_account(account.id):
            yield CurrencyMismatch(account.currency)


def _too_poor(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account_id, amount in _customer_entries(posting):
        if amount < 0 and (available := ledger.customers[account_id].available) + amount < 0:
            yield InsufficientFunds(available, -amount, posting.currency_of_account(account_id))


def _too_much(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    types = dict.fromkeys(account.type for account in own_accounts(posting, ledger))
    amounts = ((type_, own_amount(posting, ledger, type_)) for type_ in types)
    for type_, amount in ((None, posting.amount), *amounts):
        if amount:
            yield from _beyond_limits(posting, ledger, type_, amount)
    for account_id, amount in _customer_entries(posting):
        account = ledger.customers.get(account_id)
        if _is_own(account, posting) and not _has_room(account, amount, ledger.limits):
            limit = _balance_limit(account, ledger.limits)
            left = max(limit - account.balance, from_minor_units(0, account.currency))
            yield AmountLimitExceeded(LimitKind.BALANCE, limit, left, account.currency)


def _beyond_limits(
    posting: Posting, ledger: LedgerView, type_: AccountType | None, amount: Decimal
) -> Iterator[AmountLimitExceeded]:
    """Compare `amount` with the limits of an order, a day and a month.

    Args:
        posting: the order.
        ledger: the limits, and what the person has moved.
        type_: a type of account with its own limits; None for the limits of all accounts.
        amount: the part of the order's amount to which these limits apply.
    """
    limits, currency, at = ledger.limits, posting.currency, ledger.at
    for kind, ceiling, part, end in (
        (LimitKind.ORDER, limits.order, None, None),
        (LimitKind.DAY, limits.day, MovedSum.on_day, end_of_day),
        (LimitKind.MONTH, limits.month, MovedSum.in_month, end_of_month),
    ):
        if ceiling is None:
            continue
        limit = ceiling.of(currency) if type_ is None else ceiling.of_type(type_, currency)
        if limit is None:
            continue
        nothing = already = from_minor_units(0, currency)
        if part is not None:
            counted = (each for each in ledger.moved if type_ is None or each.account_type is type_)
            already = sum((part(each, at) for each in counted), nothing)
        if already + amount > limit:
            left = max(limit - already, nothing)
            yield AmountLimitExceeded(kind, limit, left, currency, None if end is None else end(at))


def own_amount(posting: Posting, ledger: LedgerView, type_: AccountType) -> Decimal:
    """Return how much money the posting moves out of or into the actor's accounts of the type `type_`.

    For outgoing money, only debits are added up. For incoming money, only credits are added up.
    """
    return sum(
        (
            abs(amount)
            for account_id, amount in _customer_entries(posting)
            if (amount < 0) == (posting.direction is Direction.OUT)
            and _is_own(account := ledger.customers.get(account_id), posting)
            and account.type is type_
        ),
        from_minor_units(0, posting.currency),
    )


def _has_room(account: Account, amount: Decimal, limits: Limits) -> bool:
    return amount < 0 or account.balance + amount <= _balance_limit(account, limits)


def _balance_limit(account: Account, limits: Limits) -> Decimal:
    of_type = limits.balance.of_type(account.type, account.currency)
    return limits.balance.of(account.currency) if of_type is None else of_type


def _wrong_receiver(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    """Refuse receivers that do not exist or cannot receive the money.

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
        elif not _can_receive(account, posting.currency_of_account(account_id), amount, ledger.limits):
            yield ReceiverUnavailable()


def _can_receive(account: Account, currency: str, amount: Decimal, limits: Limits) -> bool:
    active = account.status is AccountStatus.ACTIVE and account.currency == currency
    return active and _has_room(account, amount, limits)


def _no_room(posting: Posting, ledger: LedgerView) -> Iterator[Problem]:
    for account_id, amount in _customer_entries(posting):
        account = ledger.customers[account_id]
        if account.currency != posting.currency_of_account(account_id) or not _has_room(account, amount, ledger.limits):
            yield ReceiverUnavailable()


_CHECKS: Final = (_not_usable, _same, _frozen, _other_currency, _too_poor, _too_much, _wrong_receiver)
_REVERSAL_CHECKS: Final = (_not_usable, _same, _no_room, _too_poor)


def _customer_entries(posting: Posting) -> Iterator[tuple[str, Decimal]]:
    return ((e.account.id, e.amount) for e in posting.entries if isinstance(e.account, CustomerAccount))


def _is_own(account: Account | None, posting: Posting) -> TypeGuard[Account]:
    return account is not None and account.user_id == posting.on_behalf_of.user_id


def _must_be_open(account: Account | None, posting: Posting) -> TypeGuard[Account]:
    return account is not None and (posting.type is PostingType.REVERSAL or _is_own(account, posting))


def own_accounts(posting: Posting, ledger: LedgerView) -> Iterator[Account]:
    """Yield the accounts in `posting` that belong to the actor (`posting.on_behalf_of`)."""
    found = (ledger.customers.get(account_id) for account_id in posting.customer_ids())
    return (account for account in found if _is_own(account, posting))


def _movements(posting: Posting, ledger: LedgerView) -> Iterator[Movement]:
    for entry in posting.entries:
        after = None
        if isinstance(entry.account, CustomerAccount):
            after = ledger.customers[entry.account.id].balance + entry.amount
        yield Movement(entry.account, entry.amount, posting.currency_of(entry), after)


def reaches_bound(posting: Posting, ledger: LedgerView) -> bool:
    """Whether the posting would raise a balance above `MAX_UNITS`, although the settings allow such a balance."""
    found = ((ledger.customers.get(account_id), amount) for account_id, amount in _customer_entries(posting))
    return any(
        account is not None
        and ledger.limits.balance.exceeds_bound(account.currency)
        and account.balance + amount > from_minor_units(MAX_UNITS, account.currency)
        for account, amount in found
    )
