from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bank.identity import ADMIN, CUSTOMER, SUPPORT
from bank.values import new_user_id
from servicekit.errors import Forbidden
from subgraphs.transaction.domain import Parties, Party, Requester, Transaction, TransactionStatus
from subgraphs.transaction.problems import OrderRefused
from subgraphs.transaction.review import FourEyes, NotHeld, approved, expired, rejected
from tests.subgraphs.transaction.support import START, party, transaction, transfer_order

S = TransactionStatus
RULE = FourEyes(Decimal(100), {"JPY": Decimal(10000)})
LATER = START + timedelta(minutes=1)


def reviewer(*roles: str) -> Requester:
    return Requester(new_user_id(), frozenset(roles or (SUPPORT,)))


def held(amount: str, currency: str = "USD", ann: Party | None = None, bob: Party | None = None) -> Transaction:
    source, destination = ann or party(), bob or party()
    order = transfer_order(source, destination, amount, currency)
    return transaction(order, Parties(source, destination), status=S.HELD)


@pytest.mark.parametrize(("amount", "currency"), [("100.00", "USD"), ("10000", "JPY")])
def test_one_reviewer_suffices_up_to_the_limit(amount: str, currency: str) -> None:
    one = reviewer()
    done = approved(held(amount, currency), one, RULE, LATER)
    assert (done.status, [each.user_id for each in done.approvals]) == (S.PENDING, [one.user_id])
    assert done.updated_at == LATER


@pytest.mark.parametrize(("amount", "currency"), [("100.01", "USD"), ("10001", "JPY")])
def test_above_the_limit_two_persons_approve(amount: str, currency: str) -> None:
    found, one, other = held(amount, currency), reviewer(), reviewer(ADMIN)
    half = approved(found, one, RULE, LATER)
    assert half.status is S.HELD
    assert approved(half, one, RULE, LATER) is half
    done = approved(half, other, RULE, LATER)
    assert (done.status, [each.user_id for each in done.approvals]) == (S.PENDING, [one.user_id, other.user_id])


def test_one_person_rejects() -> None:
    half = approved(held("100.01"), reviewer(), RULE, LATER)
    done = rejected(half, reviewer(), LATER)
    assert (done.status, done.problem, done.refusal) == (S.PENDING, None, OrderRefused())


def test_an_order_that_nobody_reviews_is_refused() -> None:
    done = expired(held("10.00"), LATER)
    assert (done.status, done.refusal, done.updated_at) == (S.PENDING, OrderRefused(), LATER)
    with pytest.raises(NotHeld):
        expired(done, LATER)


def test_nobody_reviews_an_order_of_which_they_are_part() -> None:
    ann, bob = party(), party()
    found = held("10.00", ann=ann, bob=bob)
    ordered_by_another = replace(found, requester=Requester(new_user_id(), frozenset({CUSTOMER})))
    for user_id in (ann.user_id, bob.user_id, ordered_by_another.requester.user_id):
        insider = Requester(user_id, frozenset({SUPPORT, ADMIN}))
        with pytest.raises(Forbidden):
            approved(ordered_by_another, insider, RULE, LATER)
        with pytest.raises(Forbidden):
            rejected(ordered_by_another, insider, LATER)
    with pytest.raises(Forbidden):
        approved(found, reviewer(CUSTOMER), RULE, LATER)


@pytest.mark.parametrize("status", sorted(set(S) - {S.HELD}))
def test_only_held_orders_are_reviewed(status: TransactionStatus) -> None:
    found = replace(held("10.00"), status=status)
    with pytest.raises(NotHeld):
        approved(found, reviewer(), RULE, LATER)
    with pytest.raises(NotHeld):
        rejected(found, reviewer(), LATER)


def test_the_setting_has_an_amount_and_own_amounts_of_currencies() -> None:
    assert FourEyes.parse("100, JPY=10000") == FourEyes(Decimal(100), {"JPY": Decimal(10000)})
    for wrong in ("", "x", "-1", "1,JPY", "1,JPY=1.5", "1,XXX=1", "1,"):
        with pytest.raises(ValueError, match="is not"):
            FourEyes.parse(wrong)
