"""Postings: malformed ones, and the decisions with their order.

Covers `subgraphs/account/postings.py`, `subgraphs/account/posting_rules.py` and `subgraphs/account/settlement.py`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bank.identity import CUSTOMER, SUPPORT
from bank.values import InvalidValue, format_timestamp, new_object_id, now
from subgraphs.account.domain import Account, AccountStatus, AccountType, Opening, open_account
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.limits import Ceiling, Direction, Limits, MovedSum, day_of, end_of_day, month_of
from subgraphs.account.posting_rules import LedgerView, decide
from subgraphs.account.postings import (
    MAX_ENTRIES,
    CustomerAccount,
    Entry,
    InternalAccount,
    OnBehalfOf,
    Posting,
    PostingType,
)
from subgraphs.account.problems import (
    CLOSED_REASON,
    NOT_THE_OWNER_REASON,
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    LimitKind,
    ReceiverUnavailable,
    SameAccount,
)
from subgraphs.account.settlement import Outcome, RecordedPosting, Settlement, repeated, settle
from subgraphs.kit.domain_problems import to_json
from tests.subgraphs.account.support import deposit, person, transfer, withdrawal

ANN, BOB, STAFF = person(CUSTOMER), person(CUSTOMER), person(SUPPORT)


def account_of(owner: OnBehalfOf, balance: str = "100.00", **changes: object) -> Account:
    opening = Opening(owner.user_id, AccountType.CHECKING, "USD")
    account = open_account(opening, already_open=0, limit=1, now=now())
    assert isinstance(account, Account)
    return replace(account, balance=Decimal(balance), **changes)  # type: ignore[arg-type] # a test names fields freely


def ledger(*accounts: Account, **changes: object) -> LedgerView:
    view = LedgerView(now(), {a.id: a for a in accounts}, Limits(), (), 0)
    return replace(view, **changes)  # type: ignore[arg-type] # a test names fields freely


def moved_today(amount: Decimal) -> MovedSum:
    """What Ann has spent today with her checking accounts."""
    moment = now()
    return MovedSum(
        ANN.user_id, "USD", Direction.OUT, AccountType.CHECKING, day_of(moment), amount, month_of(moment), amount
    )


class TestMalformed:
    def build(self, type_: PostingType, entries: list[tuple[str, str]], amount: str = "10.00") -> Posting:
        def account(name: str) -> CustomerAccount | InternalAccount:
            return InternalAccount(name) if name.isupper() else CustomerAccount(name)

        lines = tuple(Entry(account(name), Decimal(units)) for name, units in entries)
        return Posting(new_object_id(), ANN, type_, Decimal(amount), "USD", lines)

    @pytest.mark.parametrize(
        ("type_", "entries"),
        [
            (PostingType.TRANSFER, [("a", "-10.00"), ("b", "9.99")]),
            (PostingType.TRANSFER, [("a", "-10.00")]),
            (PostingType.TRANSFER, []),
            (PostingType.TRANSFER, [("a", "-20.00"), ("b", "20.00")]),
            (PostingType.TRANSFER, [("a", "-10.00"), ("b", "10.00"), ("c", "0.00")]),
            (PostingType.TRANSFER, [("a", "-10.001"), ("b", "10.001")]),
            (PostingType.TRANSFER, [("CASH", "-10.00"), ("b", "10.00")]),
            (PostingType.TRANSFER, [("a", "-10.00"), ("CASH", "10.00")]),
            (PostingType.DEPOSIT, [("a", "-10.00"), ("b", "10.00")]),
            (PostingType.DEPOSIT, [("a", "-10.00"), ("CASH", "10.00")]),
            (PostingType.WITHDRAWAL, [("CASH", "-10.00"), ("b", "10.00")]),
            (PostingType.PAYMENT, [("a", "-10.00"), ("b", "10.00")]),
            (PostingType.TRANSFER, [("a", "-10.00"), *[(f"b{i}", "0.50") for i in range(MAX_ENTRIES)]]),
        ],
    )
    def test_unbalanced_or_misdirected_entries_are_refused(
        self, type_: PostingType, entries: list[tuple[str, str]]
    ) -> None:
        with pytest.raises(InvalidValue):
            self.build(type_, entries)

    @pytest.mark.parametrize(
        ("type_", "text"),
        [
            (PostingType.DEPOSIT, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, b 9 JPY"),
            (PostingType.PAYMENT, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, b 9 JPY"),
            (PostingType.TRANSFER, "a -10.00, b 9 JPY"),
            (PostingType.TRANSFER, "a -10.00, FEES 10.00, EXCHANGE -9 JPY, b 9 JPY"),
            (PostingType.TRANSFER, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, b 8 JPY"),
            (PostingType.TRANSFER, "a -9.00, EXCHANGE 9.00, EXCHANGE -9 JPY, b 9 JPY"),
            (PostingType.TRANSFER, "a 10.00, EXCHANGE -10.00, EXCHANGE 9 JPY, b -9 JPY"),
            (PostingType.TRANSFER, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, b 9 KRW"),
            (PostingType.TRANSFER, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, CASH 9 JPY"),
            (PostingType.TRANSFER, "a -9 JPY, EXCHANGE 9 JPY, EXCHANGE -10.00, b 10.00"),
        ],
    )
    def test_an_exchange_has_one_form(self, type_: PostingType, text: str) -> None:
        assert self.exchange(PostingType.TRANSFER, "a -10.00, EXCHANGE 10.00, EXCHANGE -9 JPY, b 9 JPY").is_exchange
        with pytest.raises(InvalidValue):
            self.exchange(type_, text)

    def exchange(self, type_: PostingType, text: str) -> Posting:
        entries = []
        for name, amount, *currency in (part.split() for part in text.split(", ")):
            account = InternalAccount(name) if name.isupper() else CustomerAccount(name)
            entries.append(Entry(account, Decimal(amount), *currency))
        return Posting(new_object_id(), ANN, type_, Decimal("10.00"), "USD", tuple(entries))

    def test_several_credits_may_share_a_debit(self) -> None:
        posting = self.build(PostingType.TRANSFER, [("a", "-10.00"), ("b", "9.00"), ("c", "1.00")])
        assert posting.customer_ids() == ("a", "b", "c")

    @pytest.mark.parametrize("amount", ["0.00", "-10.00"])
    def test_the_amount_is_positive(self, amount: str) -> None:
        with pytest.raises(InvalidValue):
            self.build(PostingType.TRANSFER, [("a", "-10.00"), ("b", "10.00")], amount)

    def test_the_id_is_an_object_id(self) -> None:
        with pytest.raises(InvalidValue):
            replace(transfer(ANN, "a", "b", "10.00"), transaction_id="42")


class TestContentHash:
    posting = transfer(ANN, "a", "b", "10.00")

    def test_the_hash_does_not_depend_on_roles_or_the_form_of_amounts(self) -> None:
        promoted = replace(self.posting, on_behalf_of=replace(ANN, roles=frozenset({SUPPORT})))
        assert promoted.content_hash() == self.posting.content_hash()
        assert transfer(ANN, "a", "b", "10").content_hash() == self.posting.content_hash()

    def test_other_content_has_another_hash(self) -> None:
        others = [
            transfer(ANN, "a", "b", "10.01"),
            transfer(ANN, "b", "a", "10.00"),
            transfer(ANN, "a", "c", "10.00"),
            transfer(BOB, "a", "b", "10.00"),
            transfer(ANN, "a", "b", "10.00", "EUR"),
            deposit(ANN, "b", "10.00"),
            withdrawal(ANN, "b", "10.00"),
        ]
        hashes = {posting.content_hash() for posting in [self.posting, *others]}
        assert len(hashes) == len(others) + 1

    def test_an_internal_name_differs_from_an_equal_account_id(self) -> None:
        assert deposit(ANN, "DEPOSITS", "10.00").content_hash() != withdrawal(ANN, "DEPOSITS", "10.00").content_hash()


class TestDeciding:
    def test_a_transfer_moves_the_whole_balance(self) -> None:
        source, destination = account_of(ANN), account_of(BOB, "0.00")
        verdict = decide(transfer(ANN, source.id, destination.id, "100.00"), ledger(source, destination))
        assert isinstance(verdict, tuple)
        assert [(m.amount, m.balance_after) for m in verdict] == [
            (Decimal("-100.00"), Decimal("0.00")),
            (Decimal("100.00"), Decimal("100.00")),
        ]

    def test_a_deposit_debits_the_internal_account(self) -> None:
        account = account_of(ANN, "0.00")
        verdict = decide(deposit(ANN, account.id, "5.00"), ledger(account))
        assert isinstance(verdict, tuple)
        assert [(m.amount, m.balance_after) for m in verdict] == [
            (Decimal("-5.00"), None),
            (Decimal("5.00"), Decimal("5.00")),
        ]

    @pytest.mark.parametrize("actor", [BOB, person(CUSTOMER)])
    def test_only_the_owner_debits_and_receives_deposits(self, actor: OnBehalfOf) -> None:
        account, other = account_of(ANN), account_of(BOB)
        view = ledger(account, other)
        assert decide(transfer(actor, account.id, other.id, "1.00"), view) == InvalidAccount(account.id)
        assert decide(withdrawal(actor, account.id, "1.00"), view) == InvalidAccount(account.id)
        assert decide(deposit(actor, account.id, "1.00"), view) == InvalidAccount(account.id)

    def test_staff_do_not_act_for_customers(self) -> None:
        account, other = account_of(ANN), account_of(BOB)
        view = ledger(account, other)
        refusal = InvalidAccount(account.id, NOT_THE_OWNER_REASON)
        for posting in (
            transfer(STAFF, account.id, other.id, "1.00"),
            withdrawal(STAFF, account.id, "1.00"),
            deposit(STAFF, account.id, "1.00"),
        ):
            assert decide(posting, view) == refusal

    def test_every_reason_of_a_strangers_account_is_the_same_problem(self) -> None:
        source = account_of(ANN)
        strangers = (
            account_of(BOB, "0.00", status=AccountStatus.CLOSED),
            account_of(BOB, status=AccountStatus.FROZEN),
            account_of(BOB, "0", currency="JPY"),
            account_of(BOB, "0", currency="JPY", status=AccountStatus.FROZEN),
            account_of(BOB, "1000000000.00"),
        )
        for stranger in strangers:
            posting = transfer(ANN, source.id, stranger.id, "1.00")
            assert decide(posting, ledger(source)) == InvalidAccount(stranger.id)
            assert decide(posting, ledger(source, stranger)) == ReceiverUnavailable()

    def test_without_funds_every_receiver_is_the_same(self) -> None:
        poor = account_of(ANN, "0.99")
        fine, frozen = account_of(BOB), account_of(BOB, status=AccountStatus.FROZEN)
        expected = InsufficientFunds(Decimal("0.99"), Decimal("1.00"), "USD")
        for receiver in (fine.id, frozen.id, new_object_id()):
            assert decide(transfer(ANN, poor.id, receiver, "1.00"), ledger(poor, fine, frozen)) == expected

    def test_after_too_many_wrong_receivers_every_receiver_is_the_same(self) -> None:
        source, fine, own = account_of(ANN), account_of(BOB), account_of(ANN)
        view = ledger(source, fine, own, wrong_receivers=20)
        for receiver in (fine.id, new_object_id()):
            assert decide(transfer(ANN, source.id, receiver, "1.00"), view) == ReceiverUnavailable()
        assert isinstance(decide(transfer(ANN, source.id, own.id, "1.00"), view), tuple)

    def test_the_owner_gets_the_reason_that_the_account_is_closed(self) -> None:
        source, closed = account_of(ANN), account_of(ANN, "0.00", status=AccountStatus.CLOSED)
        refusal = InvalidAccount(closed.id, CLOSED_REASON)
        view = ledger(source, closed)
        assert decide(transfer(ANN, source.id, closed.id, "1.00"), view) == refusal
        assert decide(transfer(ANN, closed.id, source.id, "1.00"), view) == refusal
        assert decide(deposit(ANN, closed.id, "1.00"), view) == refusal

    def test_a_transfer_to_itself_is_refused(self) -> None:
        account = account_of(ANN)
        assert decide(transfer(ANN, account.id, account.id, "1.00"), ledger(account)) == SameAccount()
        assert decide(transfer(BOB, account.id, account.id, "1.00"), ledger(account)) == InvalidAccount(account.id)

    def test_a_frozen_account_neither_pays_nor_receives(self) -> None:
        frozen, other = account_of(ANN, status=AccountStatus.FROZEN), account_of(BOB)
        view = ledger(frozen, other)
        assert decide(transfer(ANN, frozen.id, other.id, "1.00"), view) == AccountFrozen(frozen.id)
        assert decide(deposit(ANN, frozen.id, "1.00"), view) == AccountFrozen(frozen.id)
        assert decide(transfer(BOB, other.id, frozen.id, "1.00"), view) == ReceiverUnavailable()

    def test_only_the_owner_sees_the_currency_of_an_account(self) -> None:
        source, own, foreign = (account_of(o, "9", currency=c) for o, c in ((ANN, "USD"), (ANN, "JPY"), (BOB, "JPY")))
        view = ledger(source, own, foreign)
        assert decide(withdrawal(ANN, source.id, "1.00", "EUR"), view) == CurrencyMismatch("USD")
        assert decide(transfer(ANN, source.id, own.id, "1.00"), view) == CurrencyMismatch("JPY")
        assert decide(transfer(ANN, source.id, foreign.id, "1.00"), view) == ReceiverUnavailable()

    def test_held_money_cannot_be_spent(self) -> None:
        account, other = account_of(ANN, held=Decimal("40.00")), account_of(BOB)
        view = ledger(account, other)
        refusal = decide(transfer(ANN, account.id, other.id, "60.01"), view)
        assert refusal == InsufficientFunds(Decimal("60.00"), Decimal("60.01"), "USD")
        assert isinstance(refusal, InsufficientFunds)
        assert to_json(refusal) == {
            "code": "INSUFFICIENT_FUNDS",
            "message": "The available balance is too low",
            "available": "60.00",
            "requested": "60.01",
            "currency": "USD",
        }
        assert isinstance(decide(transfer(ANN, account.id, other.id, "60.00"), view), tuple)

    def test_an_order_above_a_limit_is_refused_with_what_is_left(self) -> None:
        limits = Limits(Ceiling(Decimal(50)), Ceiling(Decimal(80)), Ceiling(Decimal(200)))
        account = account_of(ANN, "150.00")
        view = ledger(account, limits=limits, moved=(moved_today(Decimal("60.00")),))
        left, nothing = Decimal("20.00"), Decimal("0.00")
        order = AmountLimitExceeded(LimitKind.ORDER, Decimal("50.00"), Decimal("50.00"), "USD")
        day = AmountLimitExceeded(LimitKind.DAY, Decimal("80.00"), left, "USD", end_of_day(view.at))
        for posting_of in (withdrawal, deposit):
            assert decide(posting_of(ANN, account.id, "50.01"), view) == order
            assert decide(posting_of(ANN, account.id, "20.01"), view) == day
            assert isinstance(decide(posting_of(ANN, account.id, "20.00"), view), tuple)
        full = replace(account, balance=Decimal("200.00"))
        balance = AmountLimitExceeded(LimitKind.BALANCE, Decimal("200.00"), nothing, "USD")
        assert decide(deposit(ANN, account.id, "1.00"), replace(view, customers={full.id: full})) == balance
        assert to_json(day)["resetsAt"] == format_timestamp(end_of_day(view.at))

    def test_a_balance_that_only_the_store_limits_raises_an_alarm(self) -> None:
        most = Ceiling(Decimal(10**15 - 1))
        limits = Limits(most, most, most)
        full = account_of(ANN, "99999999999999.9999", currency="CLF")
        view = ledger(full, limits=limits)
        assert settle(deposit(ANN, full.id, "1.0000", "CLF"), view).bound_reached
        assert not settle(deposit(ANN, full.id, "0.0001", "CLF"), view).bound_reached
        usual = replace(view, limits=Limits())
        assert not settle(deposit(ANN, full.id, "1.0000", "CLF"), usual).bound_reached

    def test_reasons_come_in_order(self) -> None:
        """Own account, status, currency, funds, receiver: an earlier reason hides the later ones."""
        frozen_yen = account_of(ANN, "0", currency="JPY", status=AccountStatus.FROZEN)
        yen, poor, other = account_of(ANN, "0", currency="JPY"), account_of(ANN, "0.00"), account_of(BOB)
        view = ledger(frozen_yen, yen, poor, other)
        assert isinstance(decide(transfer(BOB, frozen_yen.id, new_object_id(), "1.00"), view), InvalidAccount)
        assert isinstance(decide(transfer(ANN, frozen_yen.id, other.id, "1.00"), view), AccountFrozen)
        assert isinstance(decide(transfer(ANN, yen.id, other.id, "1.00"), view), CurrencyMismatch)
        assert isinstance(decide(transfer(ANN, poor.id, new_object_id(), "1.00"), view), InsufficientFunds)


class TestSettle:
    AT = now()

    def ledger(self, *accounts: Account) -> LedgerView:
        return ledger(*accounts, at=self.AT)

    def test_a_new_posting_writes_its_movements_and_the_accounts_after_them(self) -> None:
        source, destination = account_of(ANN), account_of(BOB, "5.00")
        settlement = settle(transfer(ANN, source.id, destination.id, "4.00"), self.ledger(source, destination))
        assert settlement.outcome == Outcome(format_timestamp(self.AT), None)
        assert [movement.amount for movement in settlement.movements] == [Decimal("-4.00"), Decimal("4.00")]
        expected = (
            replace(source, balance=Decimal("96.00"), version=source.version + 1),
            replace(destination, balance=Decimal("9.00"), version=destination.version + 1),
        )
        assert settlement.accounts == tuple(
            replace(account, balance_as_of=self.AT, updated_at=self.AT) for account in expected
        )

    def test_a_deposit_changes_the_customers_account_only(self) -> None:
        account = account_of(ANN)
        settlement = settle(deposit(ANN, account.id, "4.00"), self.ledger(account))
        assert len(settlement.movements) == 2
        assert [after.id for after in settlement.accounts] == [account.id]

    def test_a_refusal_is_recorded_and_moves_nothing(self) -> None:
        account = account_of(ANN, "1.00")
        settlement = settle(withdrawal(ANN, account.id, "4.00"), self.ledger(account))
        problem = to_json(InsufficientFunds(Decimal("1.00"), Decimal("4.00"), "USD"))
        assert settlement == Settlement(Outcome(format_timestamp(self.AT), problem))

    def test_a_repetition_returns_the_recorded_outcome_whatever_the_accounts_are_now(self) -> None:
        posting = withdrawal(ANN, new_object_id(), "4.00")
        recorded = RecordedPosting(posting.content_hash(), Outcome("then", None))
        assert repeated(posting, recorded) == recorded.outcome

    def test_a_transaction_id_of_another_posting_is_a_fault(self) -> None:
        posting = withdrawal(ANN, new_object_id(), "4.00")
        with pytest.raises(TransactionIdReused):
            repeated(posting, RecordedPosting("another", Outcome("then", None)))
