from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bank.identity import ADMIN, CUSTOMER, SUPPORT
from bank.values import new_object_id, new_user_id
from servicekit.errors import Forbidden
from subgraphs.transaction.domain import (
    SETTLED,
    Order,
    Parties,
    Requester,
    TransactionStatus,
    TransactionType,
    in_requester_terms,
    open_transaction,
)
from subgraphs.transaction.problems import AccountFrozen, InvalidAccount, SameAccount
from tests.subgraphs.transaction.support import (
    START,
    caller,
    deposit_order,
    party,
    payment_order,
    staff,
    transaction,
    transfer_order,
)

S = TransactionStatus


def test_the_fingerprint_does_not_depend_on_the_order_of_metadata() -> None:
    source, destination = party(), party()
    order = transfer_order(source, destination)
    one = replace(order, metadata={"a": "1", "b": "2"})
    other = replace(order, metadata={"b": "2", "a": "1"})
    assert one.fingerprint() == other.fingerprint()


def test_any_difference_changes_the_fingerprint() -> None:
    order = Order(
        TransactionType.TRANSFER, Decimal("10.00"), "USD", source=new_object_id(), destination=new_object_id()
    )
    variants = [
        order,
        replace(order, type=TransactionType.PAYMENT),
        replace(order, amount=Decimal("10.01")),
        replace(order, currency="EUR"),
        replace(order, source=new_object_id()),
        replace(order, destination="1000000004"),
        replace(order, payee="Water works"),
        replace(order, metadata={"a": "1"}),
        replace(order, metadata={"a": "1", "b": ""}),
        # Neighbouring fields must not run into each other.
        replace(order, source=None, destination=order.source),
    ]
    assert len({variant.fingerprint() for variant in variants}) == len(variants)


def test_a_new_order_is_pending() -> None:
    source, destination = party(), party()
    opened = transaction(transfer_order(source, destination), Parties(source, destination))
    assert (opened.status, opened.problem) == (S.PENDING, None)
    assert opened.created_at == opened.updated_at == START


def test_an_unknown_own_account_fails_the_order_at_once() -> None:
    source, destination = party(), party()
    opened = transaction(transfer_order(source, destination), Parties(None, destination))
    assert (opened.status, opened.problem) == (S.FAILED, InvalidAccount(account_id=source.account_id))


def test_an_unknown_receiver_is_left_to_the_ledger() -> None:
    source, destination = party(), party()
    opened = transaction(transfer_order(source, destination), Parties(source, None))
    assert (opened.status, opened.problem) == (S.PENDING, None)


@pytest.mark.parametrize("roles", [{CUSTOMER}, {SUPPORT}, {CUSTOMER, ADMIN}], ids=["customer", "support", "admin"])
def test_nobody_uses_the_account_of_another_person(roles: set[str]) -> None:
    account = party()
    requester = Requester(new_user_id(), frozenset(roles))
    for order, parties in (
        (deposit_order(account), Parties(None, account)),
        (payment_order(account), Parties(account, None)),
        (transfer_order(account, party()), Parties(account, party())),
    ):
        if roles == {CUSTOMER}:
            opened = open_transaction(new_object_id(), order, requester, parties, START)
            assert opened.problem == InvalidAccount(account_id=account.account_id)
        else:
            with pytest.raises(Forbidden):
                open_transaction(new_object_id(), order, requester, parties, START)


def test_a_transfer_to_the_same_account_by_number_is_refused() -> None:
    account = party()
    order = replace(transfer_order(account, account), destination=account.account_number)
    assert transaction(order, Parties(account, account)).problem == SameAccount()


def test_the_requester_is_the_principal_of_an_order_from_an_unknown_account() -> None:
    order = payment_order(party())
    requester = Requester(new_user_id(), frozenset({CUSTOMER}))
    opened = open_transaction(new_object_id(), order, requester, Parties(None, None), START)
    assert opened.principal_user_id == requester.user_id


@pytest.mark.parametrize("status", S)
def test_the_receiver_sees_a_transfer_once_the_money_has_moved(status: TransactionStatus) -> None:
    source, destination = party(), party()
    record = transaction(transfer_order(source, destination), Parties(source, destination), status=status)
    assert record.visible_to(caller(source.user_id))
    assert record.visible_to(staff())
    assert record.visible_to(caller(destination.user_id)) is (status in SETTLED)
    assert not record.visible_to(caller())


def test_each_side_has_the_other_as_counterparty() -> None:
    source, destination = party(), party()
    record = transaction(transfer_order(source, destination), Parties(source, destination), status=S.COMPLETED)
    assert record.counterparty(caller(source.user_id)) == destination
    assert record.counterparty(caller(destination.user_id)) == source
    assert record.counterparty(staff()) == destination


@pytest.mark.parametrize("status", [S.PENDING, S.HELD, S.FAILED])
def test_the_receiver_is_hidden_until_the_money_has_moved(status: TransactionStatus) -> None:
    source, destination = party(), party()
    record = transaction(transfer_order(source, destination), Parties(source, destination), status=status)
    assert record.counterparty(caller(source.user_id)) is None


def test_between_own_accounts_the_counterparty_is_the_receiving_account() -> None:
    source = party()
    destination = party(source.user_id)
    record = transaction(transfer_order(source, destination), Parties(source, destination), status=S.COMPLETED)
    assert record.counterparty(caller(source.user_id)) == destination


def test_a_deposit_has_no_counterparty() -> None:
    account = party()
    record = transaction(deposit_order(account), Parties(None, account), status=S.COMPLETED)
    assert record.counterparty(caller(account.user_id)) is None


def test_a_refusal_names_the_receiver_as_the_order_does() -> None:
    source, destination = party(), party(number="1000000012")
    order = replace(transfer_order(source, destination), destination=destination.account_number)
    record = transaction(order, Parties(source, destination))
    found = InvalidAccount(account_id=destination.account_id)
    assert in_requester_terms(found, record) == InvalidAccount(account_id=destination.account_number)


def test_a_refusal_keeps_the_requesters_own_account_id() -> None:
    source, destination = party(), party()
    record = transaction(transfer_order(source, destination), Parties(source, destination))
    closed = InvalidAccount(account_id=source.account_id, reason="Account has been closed")
    assert in_requester_terms(closed, record) == closed
    assert in_requester_terms(AccountFrozen(source.account_id), record) == AccountFrozen(source.account_id)
