from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bank.values import now
from subgraphs.account import events
from subgraphs.account.domain import Account, AccountStatus, AccountType, Opening, open_account
from subgraphs.account.limits import Limits
from subgraphs.account.posting_rules import LedgerView
from subgraphs.account.settlement import settle
from tests.subgraphs.account.support import person, withdrawal


def account(balance: str = "10.00") -> Account:
    opened = open_account(Opening("ann", AccountType.CHECKING, "USD"), already_open=0, limit=1, now=now())
    assert isinstance(opened, Account)
    return replace(opened, balance=Decimal(balance))


def test_an_event_has_ids_amounts_and_statuses_and_nothing_else_of_the_account() -> None:
    before = account()
    (opened,) = events.of_change(None, before)
    assert (opened.type, opened.subject, opened.time) == ("account.opened", before.id, before.updated_at)
    assert opened.data == {
        "accountId": before.id,
        "userId": "ann",
        "type": "CHECKING",
        "status": "ACTIVE",
        "currency": "USD",
        "balance": "10.00",
        "held": "0.00",
        "version": 1,
    }
    assert before.number not in str(opened)


def test_an_equal_account_has_no_event() -> None:
    before = account()
    assert list(events.of_change(before, replace(before))) == []
    (changed,) = events.of_change(before, replace(before, status=AccountStatus.FROZEN, version=2))
    assert (changed.type, changed.data["status"]) == ("account.changed", "FROZEN")


def test_a_posting_reports_each_customers_account_once_and_a_refusal_nothing() -> None:
    ann, before = person(), account()
    before = replace(before, user_id=ann.user_id)
    for amount, types in (("4.00", ["account.posted"]), ("40.00", [])):
        posting = withdrawal(ann, before.id, amount)
        settlement = settle(posting, LedgerView(now(), {before.id: before}, Limits(), (), 0))
        reported = list(events.of_settlement(posting, settlement))
        assert [event.type for event in reported] == types
        assert list(events.of_settlement(posting, replace(settlement, movements=(), accounts=()))) == []
    assert len({next(events.of_change(None, before)).id for _ in range(3)}) == 3
