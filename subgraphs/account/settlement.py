"""Computes the outcome of a posting and everything that the store has to write for it (bank §2.7).

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bank.values import format_timestamp, from_minor_units
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.limits import MovedSum
from subgraphs.account.posting_rules import (
    WRONG_RECEIVERS,
    LedgerView,
    Movement,
    decide,
    own_accounts,
    own_amount,
    reaches_bound,
)
from subgraphs.account.postings import CustomerAccount, Posting, PostingType
from subgraphs.account.problems import Problem
from subgraphs.kit.domain_problems import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from subgraphs.account.domain import Account, AccountType


@dataclass(frozen=True, slots=True)
class Outcome:
    """The definite outcome of a posting, as the ledger records it.

    Attributes:
        decided_at: RFC 3339 text. If the posting is repeated, the outcome has the same time as before.
        problem: the refusal as JSON, so that it stays readable when its class changes; None when the entries were
            posted.
    """

    decided_at: str
    problem: Mapping[str, object] | None

    @property
    def posted(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class RecordedPosting:
    """The record under a transaction id: the hash of the posting's content, and the outcome."""

    content_hash: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result of a decided posting. The store must write all of it in one database transaction.

    Attributes:
        outcome: the outcome, which is recorded under the posting's transaction id and returned at every repetition.
        movements: the entries to write, in the posting's order; none for a refusal.
        accounts: the new state of each customer's account that the movements change.
        moved: the person's sums of the day and the month, including this posting; none for a refusal.
        bound_reached: whether a stored number has reached its upper bound (`reaches_bound`). Operators must then be
            alerted.
    """

    outcome: Outcome
    movements: tuple[Movement, ...] = ()
    accounts: tuple[Account, ...] = ()
    moved: tuple[MovedSum, ...] = ()
    bound_reached: bool = False


def repeated(posting: Posting, recorded: RecordedPosting) -> Outcome:
    """Return the recorded outcome of a posting that is sent again; the store then writes nothing.

    Raises:
        TransactionIdReused: the transaction id belongs to a posting with other content.
    """
    if recorded.content_hash != posting.content_hash():
        raise TransactionIdReused
    return recorded.outcome


def settle(posting: Posting, ledger: LedgerView) -> Settlement:
    """Decide about `posting`. Nothing may be recorded under its transaction id yet (bank §2.7)."""
    verdict = decide(posting, ledger)
    decided_at = format_timestamp(ledger.at)
    if isinstance(verdict, Problem):
        outcome = Outcome(decided_at, to_json(verdict))
        return Settlement(outcome, bound_reached=reaches_bound(posting, ledger))
    return Settlement(
        Outcome(decided_at, None),
        movements=verdict,
        accounts=accounts_after(verdict, ledger),
        moved=tuple(counted(posting, ledger)),
    )


def accounts_after(movements: tuple[Movement, ...], ledger: LedgerView) -> tuple[Account, ...]:
    """Return the new state of each customer's account after `movements`."""
    return tuple(
        replace(
            ledger.customers[movement.account.id],
            balance=movement.balance_after,
            version=ledger.customers[movement.account.id].version + 1,
            balance_as_of=ledger.at,
            updated_at=ledger.at,
        )
        for movement in movements
        if isinstance(movement.account, CustomerAccount) and movement.balance_after is not None
    )


def counted(posting: Posting, ledger: LedgerView) -> Iterator[MovedSum]:
    """Yield the person's sums including `posting`: one sum for each type of account in the posting."""
    known = {moved.account_type: moved for moved in ledger.moved}
    for type_ in dict.fromkeys(account.type for account in own_accounts(posting, ledger)):
        amount = own_amount(posting, ledger, type_)
        if amount:
            moved = known.get(type_) or nothing_moved(posting, type_)
            yield moved.plus(amount, ledger.at)


def nothing_moved(posting: Posting, type_: AccountType) -> MovedSum:
    """Return an empty sum for the person, direction and currency of the posting."""
    nothing = from_minor_units(0, posting.currency)
    person, currency = posting.on_behalf_of.user_id, posting.currency
    return MovedSum(person, currency, posting.direction, type_, "", nothing, "", nothing)


def names_wrong_receiver(posting: Posting, outcome: Outcome) -> bool:
    """Whether the refusal of `posting` reveals something about another person's account (`WRONG_RECEIVERS`)."""
    problem = outcome.problem
    # A refusal contains a reason only if the person may see the account. So a refusal without a reason is about a
    # missing account, or about an account of somebody else.
    return (
        problem is not None
        and posting.type is PostingType.TRANSFER
        and problem["code"] in WRONG_RECEIVERS
        and problem.get("reason") is None
    )
