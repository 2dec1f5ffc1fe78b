"""The client of the transaction service, `subgraphs/transaction/ledger_client.py`, with the real account service."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank import values
from bank.service_credential import ServiceCredential
from mosafe.in_process_client import HttpxServiceClient
from subgraphs.account.problems import LimitKind
from subgraphs.transaction.domain import Order, Requester, TransactionStatus, TransactionType, open_transaction
from subgraphs.transaction.graphql_problems import AmountLimitKind
from subgraphs.transaction.ledger_client import HttpLedger, OutcomeUnknown, Posted, Refused
from subgraphs.transaction.problems import (
    AccountFrozen,
    AmountLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidAccount,
    ReceiverUnavailable,
)
from tests.subgraphs.account.test_graphql import CLOSE, UPDATE

if TYPE_CHECKING:
    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.problems import Problem
    from tests.subgraphs.account.conftest import Person, Service


async def order(service: Service, person: Person, order: Order) -> Transaction:
    """The record of a new order, with the parties that the account service returns."""
    requester = Requester(person.id, frozenset(person.roles))
    parties = await ledger_of(service).parties(order, requester)
    return open_transaction(values.new_object_id(), order, requester, parties, values.now())


def ledger_of(service: Service) -> HttpLedger:
    return HttpLedger(HttpxServiceClient(service.http), service.credential)


def an_order(
    type_: TransactionType, amount: str, *, source: str | None = None, destination: str | None = None
) -> Order:
    payee = "Shop" if type_ is TransactionType.PAYMENT else None
    return Order(type_, Decimal(amount), "USD", source=source, destination=destination, payee=payee)


async def test_each_type_of_order_is_posted(service: Service) -> None:
    source, destination = await service.open(service.ann), await service.open(service.bob)
    orders = [
        an_order(TransactionType.DEPOSIT, "10.00", destination=source["id"]),
        an_order(TransactionType.TRANSFER, "1.00", source=source["id"], destination=destination["id"]),
        an_order(TransactionType.TRANSFER, "2.00", source=source["id"], destination=destination["accountNumber"]),
        an_order(TransactionType.WITHDRAWAL, "3.00", source=source["id"]),
        an_order(TransactionType.PAYMENT, "4.00", source=source["id"]),
    ]
    for wanted in orders:
        transaction = await order(service, service.ann, wanted)
        assert transaction.status is TransactionStatus.PENDING
        for _ in range(2):
            assert await ledger_of(service).post(transaction) == Posted()
    balances = (await service.as_(service.staff).execute("{ accounts { nodes { balance } } }")).ok()
    assert [node["balance"] for node in balances["accounts"]["nodes"]] == ["0.00", "3.00"]


async def test_each_refusal_is_understood(service: Service) -> None:
    ann, bob, staff = service.ann, service.bob, service.as_(service.staff)
    source, frozen, yen = await service.open(ann), await service.open(bob), await service.open(ann, "JPY")
    closed, stopped = await service.open(ann), await service.open(ann)
    await service.deposit(ann, source["id"], "10.00")
    await staff.execute(UPDATE, {"input": {"id": frozen["id"], "status": "FROZEN"}})
    await service.as_(ann).execute(CLOSE, {"input": {"id": closed["id"]}})
    await staff.execute(UPDATE, {"input": {"id": stopped["id"], "status": "FROZEN"}})
    expected: list[tuple[str, str, Problem]] = [
        (frozen["id"], "1.00", ReceiverUnavailable()),
        (stopped["id"], "1.00", AccountFrozen(stopped["id"])),
        ("1234567897", "1.00", InvalidAccount("1234567897")),
        (yen["id"], "1.00", CurrencyMismatch("JPY")),
        (closed["id"], "1.00", InvalidAccount(closed["id"], "Account has been closed")),
    ]
    for destination, amount, problem in expected:
        wanted = an_order(TransactionType.TRANSFER, amount, source=source["id"], destination=destination)
        transaction = await order(service, ann, wanted)
        assert await ledger_of(service).post(transaction) == Refused(problem)
    transaction = await order(service, ann, an_order(TransactionType.WITHDRAWAL, "10.01", source=source["id"]))
    refused = Refused(InsufficientFunds(Decimal("10.00"), Decimal("10.01"), "USD"))
    assert await ledger_of(service).post(transaction) == refused
    most, day = Decimal("10000000.00"), an_order(TransactionType.DEPOSIT, "10000000.01", destination=source["id"])
    exceeded = Refused(AmountLimitExceeded("ORDER", most, most, "USD"))
    assert await ledger_of(service).post(await order(service, ann, day)) == exceeded


async def test_an_account_that_the_person_may_not_use_fails_before_the_ledger(service: Service) -> None:
    own, foreign = await service.open(service.ann), await service.open(service.bob)
    for wanted in (
        an_order(TransactionType.WITHDRAWAL, "1.00", source=foreign["id"]),
        an_order(TransactionType.DEPOSIT, "1.00", destination=foreign["id"]),
        an_order(TransactionType.TRANSFER, "1.00", source=foreign["id"], destination=own["id"]),
    ):
        transaction = await order(service, service.ann, wanted)
        assert transaction.status is TransactionStatus.FAILED
        assert isinstance(transaction.problem, InvalidAccount)
        assert transaction.problem.reason is None


async def test_a_wrong_credential_leaves_the_outcome_unknown(service: Service) -> None:
    account = await service.open(service.ann)
    wanted = an_order(TransactionType.DEPOSIT, "1.00", destination=account["id"])
    transaction = await order(service, service.ann, wanted)
    stranger = HttpLedger(HttpxServiceClient(service.http), ServiceCredential("x" * 32))
    with pytest.raises(OutcomeUnknown, match="401"):
        await stranger.post(transaction)
    assert await ledger_of(service).post(transaction) == Posted()


def test_clients_can_receive_every_kind_of_limit() -> None:
    """A limit by month would have been an internal error in the transaction service."""
    assert set(AmountLimitKind.__members__) == {kind.value for kind in LimitKind}
