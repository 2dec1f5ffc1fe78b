"""Holds: money of an account that is reserved for an order until the order is posted (bank §2.15).

A hold contains the whole order, which was decided when the money was reserved. Later it ends in one of three ways:

- captured: the order is posted, in whole or with a smaller amount; the rest of the money is free again;
- released: the order will not be posted;
- expired: it was neither captured nor released in time.

A hold that ends without a posting leaves a refusal under the order's transaction id. So a capture that comes too late
gets a definite outcome, and so does each repetition.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from bank.values import InvalidValue, check_precision, format_amount, format_timestamp, parse_amount
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.posting_rules import LedgerView, decide, decide_capture, reaches_bound
from subgraphs.account.postings import CustomerAccount, Entry, InternalAccount, OnBehalfOf, Posting, PostingType
from subgraphs.account.problems import HoldEnded, HoldExpired, Problem
from subgraphs.account.settlement import Outcome, Settlement, accounts_after, counted
from subgraphs.kit.domain_problems import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.domain import Account, AccountType
    from subgraphs.account.limits import MovedSum


class HoldStatus(StrEnum):
    HELD = "HELD"
    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money of one account that is reserved for one order. The id of the hold is the transaction id of the order.

    Attributes:
        posting: the order as it was sent.
        account_type: the type of the account when the money was reserved.
        ended_at: None while the money is held.
        captured: the amount that was posted; None unless the hold was captured.
    """

    posting: Posting
    status: HoldStatus
    account_type: AccountType
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    captured: Decimal | None = None

    @property
    def id(self) -> str:
        return self.posting.transaction_id

    @property
    def account_id(self) -> str:
        return held_account(self.posting)

    @property
    def amount(self) -> Decimal:
        return self.posting.amount


@dataclass(frozen=True, slots=True)
class HoldChange:
    """The data that a store must write in one database transaction when a hold is made or ends.

    Attributes:
        hold: the hold to write; None if the order was refused.
        settlement: the outcome of the order, with its entries and accounts; None if a hold is made.
        accounts: the hold's account in its new state. If `settlement` has entries, this field is empty, because the
            account is in `settlement.accounts`.
        moved: the changed sums of the person for the day and the month.
    """

    hold: Hold | None
    settlement: Settlement | None = None
    accounts: tuple[Account, ...] = ()
    moved: tuple[MovedSum, ...] = ()


def held_account(posting: Posting) -> str:
    """Return the account whose money a hold for `posting` reserves.

    Raises:
        InvalidValue: the posting does not debit exactly one customer's account, or has more entries than it needs.
    """
    debited = [e.account.id for e in posting.entries if isinstance(e.account, CustomerAccount) and e.amount < 0]
    if len(debited) != 1 or (len(posting.entries) != 2 and not posting.is_exchange):  # noqa: PLR2004 - a debit and a credit
        raise InvalidValue("a hold is for an order with one debit of a customer's account and one credit")
    return debited[0]


def reserve(posting: Posting, expires_at: datetime, ledger: LedgerView) -> HoldChange:
    """Decide whether `posting` could be posted now. If so, reserve its money; if not, refuse the order.

    A refusal is recorded under the transaction id, like the refusal of a posting.
    """
    verdict = decide(posting, ledger)
    if isinstance(verdict, Problem):
        outcome = Outcome(format_timestamp(ledger.at), to_json(verdict))
        return HoldChange(None, Settlement(outcome, bound_reached=reaches_bound(posting, ledger)))
    account = ledger.customers[held_account(posting)]
    hold = Hold(posting, HoldStatus.HELD, account.type, ledger.at, expires_at)
    after = _holding(account, account.held + posting.amount, ledger.at)
    return HoldChange(hold, accounts=(after,), moved=tuple(counted(posting, ledger)))


def capture(hold: Hold, amount: Decimal | None, ledger: LedgerView) -> HoldChange:
    """Post the order of an active hold. If the order can no longer be posted, end the hold.

    If `amount` is None, the whole amount of the order is posted.

    Raises:
        InvalidValue: `amount` is not positive, or greater than the held amount.
    """
    if hold.expires_at <= ledger.at:
        return end(hold, HoldStatus.EXPIRED, ledger)
    posting = with_amount(hold.posting, amount)
    freed = replace(ledger, wrong_receivers=0)
    verdict = decide_capture(posting, freed)
    if isinstance(verdict, Problem):
        return _end_with(hold, HoldStatus.RELEASED, verdict, ledger)
    movements = tuple(
        replace(movement, released=hold.amount) if movement.account == CustomerAccount(hold.account_id) else movement
        for movement in verdict
    )
    accounts = tuple(
        replace(account, held=account.held - hold.amount) if account.id == hold.account_id else account
        for account in accounts_after(verdict, freed)
    )
    settlement = Settlement(Outcome(format_timestamp(ledger.at), None), movements=movements, accounts=accounts)
    ended = replace(hold, status=HoldStatus.CAPTURED, ended_at=ledger.at, captured=posting.amount)
    return HoldChange(ended, settlement, moved=_given_back(hold, hold.amount - posting.amount, ledger))


def end(hold: Hold, status: HoldStatus, ledger: LedgerView) -> HoldChange:
    """End an active hold without a posting."""
    problem = HoldExpired() if status is HoldStatus.EXPIRED else HoldEnded()
    return _end_with(hold, status, problem, ledger)


def _end_with(hold: Hold, status: HoldStatus, problem: Problem, ledger: LedgerView) -> HoldChange:
    account = ledger.customers[hold.account_id]
    return HoldChange(
        replace(hold, status=status, ended_at=ledger.at),
        Settlement(Outcome(format_timestamp(ledger.at), to_json(problem))),
        accounts=(_holding(account, account.held - hold.amount, ledger.at),),
        moved=_given_back(hold, hold.amount, ledger),
    )


def _holding(account: Account, held: Decimal, at: datetime) -> Account:
    return replace(account, held=held, version=account.version + 1, balance_as_of=at, updated_at=at)


def _given_back(hold: Hold, amount: Decimal, ledger: LedgerView) -> tuple[MovedSum, ...]:
    """Subtract `amount`, which was reserved but not moved, from the person's sum."""
    if not amount:
        return ()
    found = (moved for moved in ledger.moved if moved.account_type is hold.account_type)
    return tuple(moved.minus(amount, hold.created_at) for moved in found)


def with_amount(posting: Posting, amount: Decimal | None) -> Posting:
    """Return the order with `amount` instead of its own amount. If `amount` is None, return the order unchanged.

    Raises:
        InvalidValue: `amount` is not positive, or greater than the amount of the order; or the order is an exchange.
    """
    if amount is None or amount == posting.amount:
        return posting
    if posting.is_exchange:
        raise InvalidValue("an order in several currencies is captured as a whole")
    if amount > posting.amount:
        raise InvalidValue("the amount is greater than what is held")
    entries = tuple(replace(e, amount=-amount if e.amount < 0 else amount) for e in posting.entries)
    return replace(posting, amount=amount, entries=entries)


def repeated_capture(hold: Hold, amount: Decimal | None) -> None:
    """Check a capture that is sent again.

    Raises:
        TransactionIdReused: the hold was captured with another amount.
    """
    if hold.captured is not None and (hold.amount if amount is None else amount) != hold.captured:
        raise TransactionIdReused


def order_to_json(posting: Posting) -> dict[str, Any]:
    """Return the content of a posting as JSON, in the form for stores. The transaction id is not included."""
    return {
        "onBehalfOf": posting.on_behalf_of.user_id,
        "type": posting.type.value,
        "amount": format_amount(posting.amount, posting.currency),
        "currency": posting.currency,
        "entries": [_entry_to_json(entry, posting.currency) for entry in posting.entries],
    }


_CUSTOMER: Final = "accountId"
_INTERNAL: Final = "internal"


def _entry_to_json(entry: Entry, currency: str) -> dict[str, str]:
    account = entry.account
    name = {_INTERNAL: account.name} if isinstance(account, InternalAccount) else {_CUSTOMER: account.id}
    own = entry.currency or currency
    sign = "-" if entry.amount < 0 else "+"
    content = {**name, "sign": sign, "amount": format_amount(abs(entry.amount), own)}
    return content if own == currency else {**content, "currency": own}


def order_from_json(transaction_id: str, content: Mapping[str, Any]) -> Posting:
    """Return the posting that `order_to_json` has written. The roles of the person are not kept."""
    currency = content["currency"]
    return Posting(
        transaction_id,
        OnBehalfOf(content["onBehalfOf"]),
        PostingType(content["type"]),
        _amount(content["amount"], currency),
        currency,
        tuple(_entry_from_json(entry, currency) for entry in content["entries"]),
    )


def _entry_from_json(entry: Mapping[str, str], currency: str) -> Entry:
    own = entry.get("currency")
    amount = _amount(entry["amount"], own or currency)
    account = InternalAccount(entry[_INTERNAL]) if _INTERNAL in entry else CustomerAccount(entry[_CUSTOMER])
    return Entry(account, -amount if entry["sign"] == "-" else amount, own)


def _amount(text: str, currency: str) -> Decimal:
    return check_precision(parse_amount(text), currency)
