"""Adds holds to the state machine of the ledger: reserve, capture in whole or in part, post, release.

After every step, the held money of each account is that of the model, too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from bank import values
from bank.values import from_minor_units
from subgraphs.account.domain import AccountStatus
from subgraphs.account.holds import Hold, HoldStatus, held_account, with_amount
from subgraphs.account.postings import CustomerAccount, PostingType
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.ledger_machine import (
    ACTORS,
    CURRENCIES,
    INTERNAL,
    UNITS,
    LedgerMachine,
    posting_of,
)
from tests.subgraphs.account.support import code_of

if TYPE_CHECKING:
    from subgraphs.account.domain import Account
    from subgraphs.account.postings import OnBehalfOf, Posting
    from subgraphs.account.settlement import Outcome


class HoldMachine(LedgerMachine):
    """The machine of the ledger with holds."""

    accounts = LedgerMachine.accounts

    def __init__(self) -> None:
        super().__init__()
        self.active: dict[str, Posting] = {}
        self.held: Counter[str] = Counter()

    def available(self, account_id: str) -> int:
        return self.balances[account_id] - self.held[account_id]

    @rule(
        actor=ACTORS,
        source=accounts,
        destination=st.none() | accounts,
        currency=st.sampled_from(CURRENCIES),
        units=UNITS,
    )
    def reserve(
        self, actor: OnBehalfOf, source: Account, destination: Account | None, currency: str, units: int
    ) -> None:
        type_ = PostingType.TRANSFER if destination else PostingType.PAYMENT
        receiver = CustomerAccount(destination.id) if destination else INTERNAL[type_]
        posting = posting_of(type_, actor, (CustomerAccount(source.id), receiver), currency, units)
        expected = self.expected(posting)
        made = self.run_async(self.stores[0].reserve(posting, in_an_hour()))
        assert self.run_async(self.stores[1].reserve(posting, in_an_hour())) == made
        if isinstance(made, Hold):
            assert expected is None
            self.active[posting.transaction_id] = posting
            self.held[source.id] += units
            self.versions[source.id] += 1
        else:
            assert code_of(made) == expected
            self.record(posting, made)

    @precondition(lambda self: self.active)
    @rule(data=st.data(), part=st.booleans())
    def capture(self, data: st.DataObject, part: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        posting = self.active.pop(data.draw(st.sampled_from(sorted(self.active))))
        units = values.to_minor_units(posting.amount, posting.currency)
        captured = max(1, units // 2) if part else units
        amount = from_minor_units(captured, posting.currency)
        expected = self.refusal_of_capture(posting)
        outcome = self.run_async(self.stores[1].capture(posting.transaction_id, amount))
        assert outcome is not None
        assert self.run_async(self.stores[0].post(posting)) == outcome
        assert code_of(outcome) == expected
        self.end(posting, outcome, with_amount(posting, amount))

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def post_a_held_order(self, data: st.DataObject) -> None:
        posting = self.active.pop(data.draw(st.sampled_from(sorted(self.active))))
        expected = self.refusal_of_capture(posting)
        outcome = self.run_async(self.stores[0].post(posting))
        assert code_of(outcome) == expected
        self.end(posting, outcome, posting)

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        posting = self.active.pop(data.draw(st.sampled_from(sorted(self.active))))
        ended = self.run_async(self.stores[1].release(posting.transaction_id))
        assert ended is not None
        assert ended.status is HoldStatus.RELEASED
        outcome = self.run_async(self.stores[0].post(posting))
        assert code_of(outcome) == "HOLD_RELEASED"
        self.end(posting, outcome, posting)

    def end(self, posting: Posting, outcome: Outcome, posted: Posting) -> None:
        """Follow the end of a hold for `posting`, of which `posted` was posted if the outcome says so."""
        source = held_account(posting)
        self.held[source] -= values.to_minor_units(posting.amount, posting.currency)
        self.record(posted, outcome)
        self.decided[posting.transaction_id] = (posting, outcome)
        if not outcome.posted:
            self.versions[source] += 1

    def refusal_of_capture(self, posting: Posting) -> str | None:
        """The code of the first refusal by the rules of bank §2.15, written in another way than in the service."""
        own = [i for i in posting.customer_ids() if self.known[i].user_id == posting.on_behalf_of.user_id]
        others = [i for i in posting.customer_ids() if i not in own]
        if any(self.statuses[i] is AccountStatus.CLOSED for i in own):
            return "INVALID_ACCOUNT"
        if any(self.statuses[i] is AccountStatus.FROZEN for i in own):
            return "ACCOUNT_FROZEN"
        free = all(self.can_receive(i, posting.currency) for i in others)
        return None if free else "RECEIVER_UNAVAILABLE"

    @invariant()
    def held_money_is_the_models(self) -> None:
        found = self.run_async(self.stores[1].by_ids(list(self.known)))
        assert {key: account.held for key, account in found.items()} == {
            key: from_minor_units(self.held[key], account.currency) for key, account in self.known.items()
        }
