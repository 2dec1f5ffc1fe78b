"""The npm client `graphql-ws` against the subscriptions of both services."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from bank.revocation import SqliteRevocationList
from subgraphs.kit.subscriptions import live_feed
from tests.interop import node
from tests.subgraphs.bank import open_bank
from tests.subgraphs.websocket_client import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.interop.node import RunningScript
    from tests.subgraphs.bank import Bank

SCRIPT = "subscriptions.mjs"
BALANCE = "subscription ($id: ID!) { balanceChanged(accountId: $id) { balance owner { id } } }"
UPDATED = "subscription ($id: ID!) { transactionUpdated(accountId: $id) { id status amount } }"
BEGUN = {"begun": True}


@pytest.fixture
async def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bank]:
    monkeypatch.setattr(live_feed, "POLL_SECONDS", 0.005)
    async with open_bank(tmp_path) as bank:
        yield bank


async def subscribe(client: RunningScript, id_: str, query: str, account: dict[str, Any]) -> None:
    """Begin a subscription; returns when the service has begun it."""
    client.send({"subscribe": id_, "query": query, "variables": {"id": account["id"]}})
    assert await client.next() == BEGUN


async def deposit(bank: Bank, account: dict[str, Any]) -> str:
    """Deposit 1.00, and return the id of the transaction."""
    placed = await bank.order(bank.ann, "deposit", destinationAccountId=account["id"], amount="1.00")
    transaction_id: str = placed["transaction"]["id"]
    return transaction_id


def balance(bank: Bank, id_: str, amount: str) -> dict[str, Any]:
    return {"id": id_, "data": {"balanceChanged": {"balance": amount, "owner": {"id": bank.ann.id}}}}


async def test_balances_arrive_until_the_client_completes(bank: Bank) -> None:
    account = await bank.open(bank.ann)
    async with (
        listening(bank.apps["account"]) as url,
        node.running(SCRIPT, url, bank.ann.token) as client,
    ):
        await subscribe(client, "first", BALANCE, account)
        await subscribe(client, "second", BALANCE, account)
        await deposit(bank, account)
        results = [await client.next(), await client.next()]
        assert sorted(results, key=lambda each: str(each["id"])) == [
            balance(bank, "first", "1.00"),
            balance(bank, "second", "1.00"),
        ]
        client.send({"complete": "first"})
        assert await client.next() == {"id": "first", "completed": True}
        await deposit(bank, account)
        assert await client.next() == balance(bank, "second", "2.00")
        client.send({"complete": "second"})
        assert await client.next() == {"id": "second", "completed": True}
        assert await client.end() == [{"connectionClosed": 1000}]


async def test_each_status_of_a_transaction_arrives(bank: Bank) -> None:
    account = await bank.open(bank.ann)
    async with (
        listening(bank.apps["transaction"]) as url,
        node.running(SCRIPT, url, bank.ann.token) as client,
    ):
        await subscribe(client, "t", UPDATED, account)
        placed = await deposit(bank, account)
        for status in ("PENDING", "COMPLETED"):
            update = {"id": placed, "status": status, "amount": "1.00"}
            assert await client.next() == {"id": "t", "data": {"transactionUpdated": update}}


async def test_another_persons_account_is_refused(bank: Bank) -> None:
    hers, his = await bank.open(bank.ann), await bank.open(bank.bob)
    async with (
        listening(bank.apps["account"]) as url,
        node.running(SCRIPT, url, bank.ann.token) as client,
    ):
        await subscribe(client, "hers", BALANCE, hers)
        client.send({"subscribe": "his", "query": BALANCE, "variables": {"id": his["id"]}})
        results = [await client.next(), await client.next()]
        assert sorted(results, key=len) == [BEGUN, {"id": "his", "errors": ["BAD_USER_INPUT"]}]
        await deposit(bank, hers)
        assert await client.next() == balance(bank, "hers", "1.00")


async def test_after_a_logout_the_client_needs_a_new_token(bank: Bank, tmp_path: Path) -> None:
    """The client connects and subscribes again by itself. Without another token, it is refused."""
    sessions = [secrets.token_hex(16) for _ in range(2)]
    tokens = [bank.issuer.token(bank.ann.id, claims={"sid": session}) for session in sessions]
    account = await bank.open(bank.ann)
    async with (
        listening(bank.apps["account"]) as url,
        node.running(SCRIPT, url, *tokens) as client,
    ):
        await subscribe(client, "1", BALANCE, account)
        await log_out(tmp_path, sessions[0])
        await deposit(bank, account)
        assert await client.next() == {"connectionClosed": 4403}
        assert await client.next() == BEGUN
        await deposit(bank, account)
        assert await client.next() == balance(bank, "1", "2.00")
        await log_out(tmp_path, sessions[1])
        await deposit(bank, account)
        assert [await client.next() for _ in range(2)] == [{"connectionClosed": 4403}] * 2
        assert await client.next() == {"id": "1", "closed": 4403}


async def log_out(folder: Path, session: str) -> None:
    """Revoke the session, as the auth service does."""
    revocations = SqliteRevocationList(folder)
    await revocations.revoke(session, time.time() + 600)
    revocations.close()
