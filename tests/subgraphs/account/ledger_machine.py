"""A state machine that runs random operations on a real store and compares it with a model in plain dicts.

After every step: all accounts, internal ones included, sum to zero per currency, no customer's balance is negative,
every balance is that of the model, and a repeated posting has its first outcome.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from bank import values
from bank.identity import SUPPORT
from bank.values import from_minor_units
from servicekit.errors import Forbidden
from subgraphs.account.domain import Account, AccountStatus, close_account
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.postings import (
    CustomerAccount,
    Entry,
    InternalAccount,
    OnBehalfOf,
    Posting,
    PostingType,
)
from subgraphs.account.store.protocol import DEFAULT_LIMITS
from tests.subgraphs.account.support import code_of, opened, person, with_status

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal

    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

T = TypeVar("T")

PEOPLE = [person(), person(), person(SUPPORT)]
CURRENCIES = ["USD", "JPY"]
# Few and small amounts, so that balances are often zero.
UNITS = st.integers(min_value=1, max_value=5)
ACTORS = st.sampled_from(PEOPLE)
INTERNAL = {
    PostingType.DEPOSIT: InternalAccount("DEPOSITS"),
    PostingType.WITHDRAWAL: InternalAccount("WITHDRAWALS"),
    PostingType.PAYMENT: InternalAccount("PAYMENTS"),
}


class LedgerMachine(RuleBasedStateMachine):
    """Subclasses set `factory`: two stores are opened with it, on the same data."""

    accounts: Bundle[Account] = Bundle("accounts")

    def factory(self) -> StoreFactory:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened: list[AbstractAsyncContextManager[AccountStore]] = [self.factory()(), self.factory()()]
        self.stores = [self.run_async(context.__aenter__()) for context in self.opened]
        self.balances: dict[str, int] = {}
        self.versions: Counter[str] = Counter()
        self.statuses: dict[str, AccountStatus] = {}
        self.known: dict[str, Account] = {}
        self.internal: Counter[str] = Counter()
        self.wrong_receivers: Counter[str] = Counter()
        self.decided: dict[str, tuple[Posting, Outcome]] = {}

    def teardown(self) -> None:
        for context in self.opened:
            self.run_async(context.__aexit__(None, None, None))
        self.runner.close()

    def run_async(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @rule(target=accounts, owner=ACTORS, currency=st.sampled_from(CURRENCIES))
    def open_account(self, owner: OnBehalfOf, currency: str) -> Account:
        account = self.run_async(opened(self.stores[0], owner, currency))
        self.known[account.id] = account
        self.balances[account.id] = 0
        self.versions[account.id] = 1
        self.statuses[account.id] = AccountStatus.ACTIVE
        return account

    @rule(account=accounts, status=st.sampled_from([AccountStatus.ACTIVE, AccountStatus.FROZEN]))
    def freeze_or_thaw(self, account: Account, status: AccountStatus) -> None:
        if self.statuses[account.id] is not AccountStatus.CLOSED:
            self.run_async(with_status(self.stores[1], account, status))
            self.statuses[account.id] = status
            self.versions[account.id] += 1

    @rule(account=accounts, actor=ACTORS)
    def close(self, account: Account, actor: OnBehalfOf) -> None:
        def rule_of(found: Account | None) -> object:
            return close_account(found, account.id, None, actor, values.now())

        may_see = actor.user_id == account.user_id or actor is PEOPLE[2]
        if may_see and actor.user_id != account.user_id:
            with pytest.raises(Forbidden):
                self.run_async(self.stores[0].change(account.id, rule_of))
            return
        outcome = self.run_async(self.stores[0].change(account.id, rule_of))
        allowed = may_see and self.statuses[account.id] is not AccountStatus.CLOSED
        assert isinstance(outcome, Account) == (allowed and self.balances[account.id] == 0)
        if isinstance(outcome, Account):
            self.statuses[account.id] = AccountStatus.CLOSED
            self.versions[account.id] += 1

    @rule(actor=ACTORS, source=accounts, destination=accounts, currency=st.sampled_from(CURRENCIES), units=UNITS)
    def transfer(self, actor: OnBehalfOf, source: Account, destination: Account, currency: str, units: int) -> None:
        parties = (CustomerAccount(source.id), CustomerAccount(destination.id))
        self.post(posting_of(PostingType.TRANSFER, actor, parties, currency, units), self.stores[0])

    @rule(actor=ACTORS, account=accounts, currency=st.sampled_from(CURRENCIES), units=UNITS)
    def deposit(self, actor: OnBehalfOf, account: Account, currency: str, units: int) -> None:
        parties = (INTERNAL[PostingType.DEPOSIT], CustomerAccount(account.id))
        self.post(posting_of(PostingType.DEPOSIT, actor, parties, currency, units), self.stores[1])

    @rule(
        actor=ACTORS,
        account=accounts,
        type_=st.sampled_from([PostingType.WITHDRAWAL, PostingType.PAYMENT]),
        units=UNITS,
    )
    def spend(self, actor: OnBehalfOf, account: Account, type_: PostingType, units: int) -> None:
        parties = (CustomerAccount(account.id), INTERNAL[type_])
        self.post(posting_of(type_, actor, parties, account.currency, units), self.stores[0])

    @precondition(lambda self: self.decided)
    @rule(data=st.data(), times=st.integers(min_value=1, max_value=4))
    def replay(self, data: st.DataObject, times: int) -> None:
        posting, outcome = self.decided[data.draw(st.sampled_from(sorted(self.decided)))]

        async def all_at_once() -> list[Outcome]:
            return await asyncio.gather(*(store.post(posting) for store in self.stores for _ in range(times)))

        assert self.run_async(all_at_once()) == [outcome] * (2 * times)

    @precondition(lambda self: self.decided)
    @rule(data=st.data())
    def reuse_an_id(self, data: st.DataObject) -> None:
        posting, _ = self.decided[data.draw(st.sampled_from(sorted(self.decided)))]
        debit, credit = posting.entries
        other = replace(
            posting,
            amount=posting.amount * 2,
            entries=(replace(debit, amount=debit.amount * 2), replace(credit, amount=credit.amount * 2)),
        )
        with pytest.raises(TransactionIdReused):
            self.run_async(self.stores[0].post(other))

    @rule(one=accounts, other=accounts, units=st.lists(UNITS, min_size=2, max_size=6))
    def transfer_in_both_directions_at_once(self, one: Account, other: Account, units: list[int]) -> None:
        owners = {person.user_id: person for person in PEOPLE}
        postings = [
            posting_of(
                PostingType.TRANSFER,
                owners[(one, other)[turn % 2].user_id],
                (CustomerAccount((one, other)[turn % 2].id), CustomerAccount((other, one)[turn % 2].id)),
                one.currency,
                amount,
            )
            for turn, amount in enumerate(units)
        ]

        async def all_at_once() -> list[Outcome]:
            async with asyncio.timeout(60):
                return await asyncio.gather(
                    *(self.stores[turn % 2].post(posting) for turn, posting in enumerate(postings))
                )

        # The store chooses their order; the model follows the outcomes.
        for posting, outcome in zip(postings, self.run_async(all_at_once()), strict=True):
            self.record(posting, outcome)

    def post(self, posting: Posting, store: AccountStore) -> None:
        expected = self.expected(posting)
        outcome = self.run_async(store.post(posting))
        assert code_of(outcome) == expected
        self.record(posting, outcome)

    def expected(self, posting: Posting) -> str | None:
        """The code of the first refusal by the rules of bank §2.7, written in another way than in the service."""
        ids = posting.customer_ids()
        owner = posting.on_behalf_of.user_id
        own = [account_id for account_id in ids if self.known[account_id].user_id == owner]
        others = [account_id for account_id in ids if account_id not in own]
        spends = posting.type is not PostingType.DEPOSIT
        amount = values.to_minor_units(posting.amount, posting.currency)
        reasons = {
            "INVALID_ACCOUNT": ids[0] not in own or any(self.statuses[i] is AccountStatus.CLOSED for i in own),
            "SAME_ACCOUNT": posting.type is PostingType.TRANSFER and len(ids) == 1,
            "ACCOUNT_FROZEN": any(self.statuses[i] is AccountStatus.FROZEN for i in own),
            "CURRENCY_MISMATCH": any(self.known[i].currency != posting.currency for i in own),
            "INSUFFICIENT_FUNDS": spends and self.available(ids[0]) < amount,
            "RECEIVER_UNAVAILABLE": any(not self.can_receive(i, posting.currency) for i in others)
            or (others and self.wrong_receivers[owner] >= DEFAULT_LIMITS.receiver_tries),
        }
        return next((code for code, applies in reasons.items() if applies), None)

    def available(self, account_id: str) -> int:
        return self.balances[account_id]

    def can_receive(self, account_id: str, currency: str) -> bool:
        return self.statuses[account_id] is AccountStatus.ACTIVE and self.known[account_id].currency == currency

    def record(self, posting: Posting, outcome: Outcome) -> None:
        self.decided[posting.transaction_id] = (posting, outcome)
        if not outcome.posted:
            self.count_wrong_receiver(posting, outcome)
            return
        for entry in posting.entries:
            units = values.to_minor_units(entry.amount, posting.currency)
            if isinstance(entry.account, InternalAccount):
                self.internal[posting.currency] += units
            else:
                self.balances[entry.account.id] += units
                self.versions[entry.account.id] += 1

    def count_wrong_receiver(self, posting: Posting, outcome: Outcome) -> None:
        problem = outcome.problem or {}
        wrong = code_of(outcome) in {"INVALID_ACCOUNT", "RECEIVER_UNAVAILABLE"} and not problem.get("reason")
        if posting.type is PostingType.TRANSFER and wrong:
            self.wrong_receivers[posting.on_behalf_of.user_id] += 1

    @invariant()
    def balances_and_versions_are_the_models(self) -> None:
        found = self.run_async(self.stores[0].by_ids(list(self.known)))
        assert {key: account.balance for key, account in found.items()} == {
            key: from_minor_units(units, self.known[key].currency) for key, units in self.balances.items()
        }
        assert {key: account.version for key, account in found.items()} == dict(self.versions)
        assert {key: account.status for key, account in found.items()} == self.statuses

    @invariant()
    def no_customer_is_overdrawn(self) -> None:
        assert all(units >= 0 for units in self.balances.values())

    @invariant()
    def everything_sums_to_zero(self) -> None:
        sums = Counter(self.internal)
        for key, units in self.balances.items():
            sums[self.known[key].currency] += units
        assert not any(sums.values())


def posting_of(
    type_: PostingType,
    actor: OnBehalfOf,
    parties: tuple[CustomerAccount | InternalAccount, CustomerAccount | InternalAccount],
    currency: str,
    units: int,
) -> Posting:
    amount: Decimal = from_minor_units(units, currency)
    entries = (Entry(parties[0], -amount), Entry(parties[1], amount))
    return Posting(values.new_object_id(), actor, type_, amount, currency, entries)
