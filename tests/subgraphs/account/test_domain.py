"""The rules for opening, changing and closing accounts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank import values
from bank.identity import ADMIN, CUSTOMER, SUPPORT
from servicekit.errors import Forbidden
from subgraphs.account.domain import (
    Account,
    AccountStatus,
    AccountType,
    Change,
    Opening,
    StaffAction,
    StaffActionKind,
    close_account,
    draw_account_number,
    open_account,
    update_account,
)
from subgraphs.account.problems import (
    CLOSED_REASON,
    AccountNotEmpty,
    InvalidAccount,
    LimitReached,
    StateConflict,
    VersionConflict,
)
from subgraphs.kit.domain_problems import to_json
from tests.subgraphs.account.account_numbers import is_account_number
from tests.subgraphs.account.support import person

if TYPE_CHECKING:
    from subgraphs.account.postings import OnBehalfOf

NOW = values.parse_timestamp("2026-01-31T09:30:00.000Z")
LATER = values.parse_timestamp("2026-01-31T10:30:00.000Z")
OWNER = person(CUSTOMER)
STAFF = person(SUPPORT)


def an_account(**changes: object) -> Account:
    account = open_account(Opening(OWNER.user_id, AccountType.CHECKING, "USD"), already_open=0, limit=1, now=NOW)
    assert isinstance(account, Account)
    return replace(account, **changes)  # type: ignore[arg-type] # a test names fields freely


class TestNumbers:
    def test_drawn_numbers_have_ten_digits_and_a_valid_check_digit(self) -> None:
        for _ in range(500):
            number = draw_account_number()
            assert values.is_account_number_shaped(number)
            assert is_account_number(number)
            assert number[0] != "0"

    def test_every_wrong_digit_and_swap_of_neighbours_is_detected(self) -> None:
        number = draw_account_number()
        for i, digit in enumerate(number):
            for other in set("0123456789") - {digit}:
                assert not is_account_number(number[:i] + other + number[i + 1 :])

    def test_an_example_worked_by_hand(self) -> None:
        # Products after each digit of 123456789: 2, 8, 2, 1, 1, 3, 9, 3, 4; and 4 + 7 is 1 modulo 10.
        assert is_account_number("1234567897")

    @pytest.mark.parametrize("text", ["", "123457", "12345678901", "123456789x", "\u0661" * 10, "-123456789"])
    def test_text_other_than_ten_ascii_digits_is_not_a_number(self, text: str) -> None:
        assert not is_account_number(text)


class TestOpening:
    def test_a_new_account_is_active_and_holds_nothing_in_the_currencys_decimals(self) -> None:
        opening = Opening(OWNER.user_id, AccountType.SAVINGS, "KWD")
        account = open_account(opening, already_open=2, limit=3, now=NOW)
        assert isinstance(account, Account)
        assert account.status is AccountStatus.ACTIVE
        assert str(account.balance) == str(account.available) == str(account.held) == "0.000"
        assert account.version == 1
        assert account.created_at == account.updated_at == account.balance_as_of == NOW

    def test_the_limit_counts_accounts_that_are_not_closed(self) -> None:
        opening = Opening(OWNER.user_id, AccountType.SAVINGS, "KWD")
        assert open_account(opening, already_open=3, limit=3, now=NOW) == LimitReached(3)


class TestUpdating:
    def test_the_owner_changes_the_type(self) -> None:
        account = an_account()
        changed = update_account(account, account.id, Change(type=AccountType.BUSINESS), OWNER, LATER)
        assert changed == replace(account, type=AccountType.BUSINESS, version=2, updated_at=LATER)

    def test_a_change_to_the_same_values_changes_nothing(self) -> None:
        account = an_account()
        assert update_account(account, account.id, Change(type=AccountType.CHECKING), OWNER, LATER) is account

    @pytest.mark.parametrize("role", [SUPPORT, ADMIN])
    def test_staff_freeze_and_unfreeze(self, role: str) -> None:
        account = an_account()
        staff = person(role)
        frozen = update_account(account, account.id, Change(status=AccountStatus.FROZEN), staff, LATER)
        assert isinstance(frozen, Account)
        assert frozen.status is AccountStatus.FROZEN
        thawed = update_account(frozen, account.id, Change(status=AccountStatus.ACTIVE), staff, LATER)
        assert isinstance(thawed, Account)
        assert (thawed.status, thawed.version) == (AccountStatus.ACTIVE, 3)

    @pytest.mark.parametrize("account", [None, an_account(), an_account(status=AccountStatus.FROZEN)])
    def test_a_customer_who_wants_to_freeze_gets_the_same_error_for_any_account(self, account: Account | None) -> None:
        with pytest.raises(Forbidden):
            update_account(account, "0" * 24, Change(status=AccountStatus.ACTIVE), OWNER, LATER)

    def test_the_type_of_a_frozen_account_stays(self) -> None:
        account = an_account(status=AccountStatus.FROZEN)
        assert update_account(account, account.id, Change(type=AccountType.SAVINGS), OWNER, LATER) == StateConflict()

    def test_the_last_change_by_staff_is_marked(self) -> None:
        account = an_account()
        frozen = update_account(account, account.id, Change(status=AccountStatus.FROZEN), STAFF, LATER)
        assert isinstance(frozen, Account)
        assert frozen.staff_action == StaffAction(StaffActionKind.FROZEN, STAFF.user_id, LATER)
        again = update_account(frozen, account.id, Change(status=AccountStatus.FROZEN), person(ADMIN), LATER)
        assert again is frozen
        thawed = update_account(frozen, account.id, Change(status=AccountStatus.ACTIVE), STAFF, LATER)
        assert isinstance(thawed, Account)
        assert thawed.staff_action == StaffAction(StaffActionKind.UNFROZEN, STAFF.user_id, LATER)

    def test_staff_change_nothing_else_and_not_their_own_account(self) -> None:
        account, own = an_account(), replace(an_account(), user_id=STAFF.user_id)
        both = Change(type=AccountType.SAVINGS, status=AccountStatus.FROZEN)
        for found, change in (
            (account, Change(type=AccountType.SAVINGS)),
            (account, both),
            (own, Change(status=AccountStatus.FROZEN)),
            (own, both),
        ):
            with pytest.raises(Forbidden):
                update_account(found, found.id, change, STAFF, LATER)
        with pytest.raises(Forbidden):
            close_account(account, account.id, None, STAFF, LATER)

    def test_a_stale_version_is_a_conflict(self) -> None:
        account = an_account(version=4)
        change = Change(type=AccountType.SAVINGS, expected_version=3)
        assert update_account(account, account.id, change, OWNER, LATER) == VersionConflict(3, 4)

    def test_another_customers_account_looks_missing(self) -> None:
        account, stranger = an_account(version=4), person(CUSTOMER)
        change = Change(type=AccountType.SAVINGS, expected_version=3)
        missing = update_account(None, account.id, change, stranger, LATER)
        foreign = update_account(account, account.id, change, stranger, LATER)
        closed = update_account(replace(account, status=AccountStatus.CLOSED), account.id, change, stranger, LATER)
        assert missing == foreign == closed == InvalidAccount(account.id)

    @pytest.mark.parametrize(
        ("actor", "change"),
        [(OWNER, Change(type=AccountType.SAVINGS)), (STAFF, Change(status=AccountStatus.FROZEN))],
    )
    def test_only_those_who_may_see_a_closed_account_get_the_reason(self, actor: OnBehalfOf, change: Change) -> None:
        account = an_account(status=AccountStatus.CLOSED)
        result = update_account(account, account.id, change, actor, LATER)
        assert result == InvalidAccount(account.id, CLOSED_REASON)


class TestClosing:
    @pytest.mark.parametrize("status", [AccountStatus.ACTIVE, AccountStatus.FROZEN])
    def test_an_empty_account_is_closed(self, status: AccountStatus) -> None:
        account = an_account(status=status)
        closed = close_account(account, account.id, 1, OWNER, LATER)
        assert closed == replace(account, status=AccountStatus.CLOSED, version=2, updated_at=LATER)

    def test_an_account_with_money_is_not_closed(self) -> None:
        account = an_account(balance=Decimal("0.01"))
        result = close_account(account, account.id, None, OWNER, LATER)
        assert result == AccountNotEmpty(Decimal("0.01"), "USD")
        assert isinstance(result, AccountNotEmpty)
        assert to_json(result) == {
            "code": "ACCOUNT_NOT_EMPTY",
            "message": "The account still holds money",
            "balance": "0.01",
            "currency": "USD",
        }

    def test_the_version_is_checked_before_the_balance(self) -> None:
        account = an_account(balance=Decimal("0.01"))
        assert close_account(account, account.id, 9, OWNER, LATER) == VersionConflict(9, 1)

    def test_an_account_is_closed_once_and_by_its_owner(self) -> None:
        account = an_account()
        closed = replace(account, status=AccountStatus.CLOSED)
        assert close_account(closed, account.id, None, OWNER, LATER) == InvalidAccount(account.id, CLOSED_REASON)
        assert close_account(account, account.id, None, person(CUSTOMER), LATER) == InvalidAccount(account.id)
