"""Subscriptions of both services over real WebSockets.

Covers `subgraphs/kit/subscriptions/*.py`, `subgraphs/account/graphql_subscriptions.py` and
`subgraphs/transaction/graphql_subscriptions.py`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bank.identity import LEEWAY_SECONDS
from bank.revocation import SqliteRevocationList
from bank.values import new_object_id
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from subgraphs.kit.subscriptions import connection, live_feed, websocket_route
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.websocket_client import Socket, connected, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Person

BALANCE = "subscription ($id: ID!) { balanceChanged(accountId: $id) { id balance held version owner { id } } }"
UPDATED = """subscription ($id: ID!) { transactionUpdated(accountId: $id) {
  id status amount updatedAt source { id } counterparty { accountNumber } problem { code } } }"""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_feed, "POLL_SECONDS", 0.005)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


@pytest.fixture
async def accounts(bank: Bank) -> AsyncIterator[str]:
    async with listening(bank.apps["account"]) as url:
        yield url


@pytest.fixture
async def transactions(bank: Bank) -> AsyncIterator[str]:
    async with listening(bank.apps["transaction"]) as url:
        yield url


async def transfer(bank: Bank, person: Person, source: dict[str, Any], destination: dict[str, Any]) -> str:
    placed = await bank.order(
        person, "transfer", sourceAccountId=source["id"], destinationAccountId=destination["id"], amount="1.00"
    )
    transaction_id: str = placed["transaction"]["id"]
    return transaction_id


async def test_each_change_of_a_balance_is_sent_once_and_in_order(bank: Bank, accounts: str) -> None:
    hers, his = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    async with connected(accounts, bank.ann.token) as ann, connected(accounts, bank.bob.token) as bob:
        await ann.subscribe("1", BALANCE, id=hers["id"])
        await bob.subscribe("b", BALANCE, id=his["id"])
        await asyncio.gather(*(transfer(bank, bank.ann, hers, his) for _ in range(10)))
        changes = [(await ann.next("1"))["balanceChanged"] for _ in range(10)]
        received = [(await bob.next("b"))["balanceChanged"]["balance"] for _ in range(10)]
    assert [change["balance"] for change in changes] == [f"{100 - n}.00" for n in range(1, 11)]
    assert [change["version"] for change in changes] == list(range(changes[0]["version"], changes[0]["version"] + 10))
    assert received == [f"{n}.00" for n in range(1, 11)]
    assert changes[0]["owner"] == {"id": bank.ann.id}


async def test_each_status_is_sent_to_those_who_see_it(bank: Bank, transactions: str) -> None:
    hers, his = await bank.open(bank.ann, "5.00"), await bank.open(bank.bob)
    async with AsyncExitStack() as stack:
        sockets = {}
        for name, person in (("ann", bank.ann), ("bob", bank.bob), ("staff", bank.staff)):
            sockets[name] = await stack.enter_async_context(connected(transactions, person.token))
            await sockets[name].subscribe("1", UPDATED, id=his["id"])
        placed = await transfer(bank, bank.ann, hers, his)
        refused = await bank.order(
            bank.ann, "transfer", sourceAccountId=hers["id"], destinationAccountId=his["id"], amount="50.00"
        )
        assert refused["__typename"] == "InsufficientFunds"
        last = await transfer(bank, bank.ann, hers, his)
        seen = {name: [await updated(socket) for _ in range(6)] for name, socket in sockets.items() if name != "bob"}
        by_bob = [await updated(sockets["bob"]) for _ in range(2)]
    completed = ["PENDING", "COMPLETED"]
    assert [each["status"] for each in seen["ann"]] == [*completed, "PENDING", "FAILED", *completed]
    assert seen["ann"][3]["problem"] == {"code": "INSUFFICIENT_FUNDS"}
    assert [each["status"] for each in seen["staff"]] == [each["status"] for each in seen["ann"]]
    assert [(each["id"], each["status"]) for each in by_bob] == [(placed, "COMPLETED"), (last, "COMPLETED")]
    assert [each["source"] for each in (seen["ann"][1], by_bob[0])] == [{"id": hers["id"]}, None]


async def updated(socket: Socket) -> Any:
    return (await socket.next("1"))["transactionUpdated"]


async def test_another_persons_account_is_like_one_that_does_not_exist(
    bank: Bank, accounts: str, transactions: str
) -> None:
    hers, his = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, "5.00")
    async with connected(accounts, bank.bob.token) as bob:
        for unknown in (hers["id"], new_object_id(), "nonsense"):
            assert await bob.refused(BALANCE, {"id": unknown}) == ["BAD_USER_INPUT"]
    async with connected(transactions, bank.bob.token) as bob:
        await bob.subscribe("1", UPDATED, id=hers["id"])
        await bank.order(bank.ann, "deposit", destinationAccountId=hers["id"], amount="7.00")
        await transfer(bank, bank.bob, his, hers)
        assert (await updated(bob))["amount"] == "1.00"  # the deposit is not sent


async def test_a_subscription_ends_when_the_client_wants(bank: Bank, accounts: str) -> None:
    account = await bank.open(bank.ann, "100.00")
    async with connected(accounts, bank.ann.token) as ann:
        await ann.subscribe("1", BALANCE, id=account["id"])
        await ann.send("complete", id="1")
        await ann.send("complete", id="unknown")
        await ann.subscribe("2", BALANCE, id=account["id"])
        await transfer(bank, bank.ann, account, await bank.open(bank.bob))
        assert (await ann.next("2"))["balanceChanged"]["balance"] == "99.00"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type": "connection_init"}'], 4403),
        (['{"type": "connection_init", "payload": {"authorization": "Basic x"}}'], 4403),
        (['{"type": "connection_init", "payload": {"authorization": "Bearer x"}}'], 4403),
        (['{"type": "connection_init", "payload": []}'], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"query": "subscription { x }"}}'], 4401),
        (['{"type": "subscribe", "payload": {"query": "subscription { x }"}}'], 4400),
        (["[]"], 4400),
        (["nonsense"], 4400),
        ([b"{}"], 4400),
        (['{"type": "connection_terminate"}'], 4400),
        (['{"type": "complete", "id": "\\ud800"}'], 4400),
        (["x" * 300_000], 1009),
    ],
)
async def test_what_is_not_the_protocol_closes_the_connection(
    accounts: str, messages: list[str | bytes], code: int
) -> None:
    async with connected(accounts) as socket:
        for message in messages:
            await socket.connection.send(message)
        assert await socket.close_code() == code


async def test_the_rules_of_the_handshake(bank: Bank, accounts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(accounts, subprotocol=None) as socket:
        assert await socket.close_code() == 4406
    async with connected(accounts, subprotocol="graphql-ws") as socket:
        assert await socket.close_code() == 4406
    async with connected(accounts, bank.ann.token) as socket:
        await socket.send("connection_init", payload={"authorization": f"Bearer {bank.ann.token}"})
        assert await socket.close_code() == 4429
    async with connected(accounts, headers={"authorization": f"Bearer {bank.ann.token}"}) as socket:
        await socket.send("connection_init")
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send("subscribe", id="1", payload={"query": 1})
        assert await socket.close_code() == 4400
    monkeypatch.setattr(connection, "INIT_SECONDS", 0.01)
    async with connected(accounts) as socket:
        await socket.send("ping")
        assert await socket.close_code() == 4408


async def test_an_id_is_used_by_one_subscription_at_a_time(bank: Bank, accounts: str) -> None:
    account = await bank.open(bank.ann)
    async with connected(accounts, bank.ann.token) as ann:
        await ann.subscribe("1", BALANCE, id=account["id"])
        await ann.send("subscribe", id="1", payload={"query": BALANCE, "variables": {"id": account["id"]}})
        assert await ann.close_code() == 4409


async def test_operations_that_are_refused(bank: Bank, accounts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"id": (await bank.open(bank.ann))["id"]}
    async with connected(accounts, bank.ann.token) as ann:
        assert await ann.refused("{ accounts { nodes { id } } }") == ["BAD_REQUEST"]
        assert await ann.refused("subscription { unknown }") == ["GRAPHQL_VALIDATION_FAILED"]
        assert await ann.refused("subscription {") == ["GRAPHQL_PARSE_FAILED"]
        assert await ann.refused("subscription a { x } subscription b { x }") == ["BAD_REQUEST"]
        assert await ann.refused(BALANCE, {}) == ["BAD_USER_INPUT"]
        many = "subscription ($id: ID!) { balanceChanged(accountId: $id) { owner { accounts(first: 100) { nodes {"
        many += " owner { accounts(first: 100) { nodes { id } } } } } } } }"
        assert await ann.refused(many, account) == ["QUERY_TOO_EXPENSIVE"]
        monkeypatch.setattr(connection, "MAX_SUBSCRIPTIONS", 1)
        await ann.subscribe("1", BALANCE, **account)
        assert await ann.refused(BALANCE, account) == ["TOO_MANY_SUBSCRIPTIONS"]
    body = {"query": BALANCE, "variables": account}
    sent = await bank.accounts.post("/graphql", json=body, headers={"authorization": f"Bearer {bank.ann.token}"})
    assert sent.status_code == 400
    assert "WebSocket" in sent.json()["errors"][0]["message"]


async def test_a_revoked_session_ends_the_connection_at_the_next_event(
    bank: Bank, accounts: str, tmp_path: Path
) -> None:
    session = secrets.token_hex(16)
    token = bank.issuer.token(bank.ann.id, claims={"sid": session})
    account, other = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    async with connected(accounts, token) as ann:
        await ann.subscribe("1", BALANCE, id=account["id"])
        await transfer(bank, bank.ann, account, other)
        assert (await ann.next("1"))["balanceChanged"]["balance"] == "99.00"
        revocations = SqliteRevocationList(tmp_path)
        await revocations.revoke(session, time.time() + 600)
        revocations.close()
        await transfer(bank, bank.ann, account, other)
        with pytest.raises(ConnectionClosed) as closed:
            await ann.receive()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "Forbidden")


async def test_an_idle_connection_ends_with_its_token(
    bank: Bank, accounts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.02)
    # Clocks may differ by 5 s, so this token is valid for another two or three seconds, in which it is accepted.
    token = bank.issuer.token(bank.ann.id, claims={"exp": int(time.time()) - LEEWAY_SECONDS + 3})
    async with connected(accounts, token) as ann:
        assert await ann.close_code() == 4403


async def test_connections_are_limited(bank: Bank, accounts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_route, "MAX_PER_USER", 1)
    async with connected(accounts, bank.ann.token), connected(accounts) as second:
        await second.send("connection_init", payload={"authorization": f"Bearer {bank.ann.token}"})
        assert await second.close_code() == 1013
        async with connected(accounts, bank.bob.token):
            monkeypatch.setattr(websocket_route, "MAX_CONNECTIONS", 2)
            async with connected(accounts) as third:
                assert await third.close_code() == 1013
    monkeypatch.setattr(websocket_route, "MAX_CONNECTIONS", 1)
    async with connected(accounts, bank.ann.token):
        pass


async def test_a_client_that_does_not_read_is_disconnected(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket of this test takes the first result, and then blocks, as one whose buffers are full."""
    monkeypatch.setattr(live_feed, "QUEUE_EVENTS", 3)
    account, other = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    inbox: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    sent: list[dict[str, Any]] = []
    blocked, may_send = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        if '"next"' in str(message.get("text")):
            blocked.set()
            await may_send.wait()

    def receive(**message: object) -> None:
        inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    inbox.put_nowait({"type": "websocket.connect"})
    receive(type="connection_init", payload={"authorization": f"Bearer {bank.ann.token}"})
    receive(type="subscribe", id="1", payload={"query": BALANCE, "variables": {"id": account["id"]}})
    receive(type="ping")
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "subprotocols": ["graphql-transport-ws"],
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    serving = asyncio.ensure_future(bank.apps["account"](scope, inbox.get, send))
    while not any('"pong"' in str(message.get("text")) for message in sent):
        await asyncio.sleep(0.005)
    for _ in range(3):
        await transfer(bank, bank.ann, account, other)
    await blocked.wait()
    for _ in range(3):
        await transfer(bank, bank.ann, account, other)
    may_send.set()
    await serving
    assert sent[-1] == {"type": "websocket.close", "code": 1013, "reason": "the client reads too slowly"}


async def test_a_handshake_must_be_signed_like_a_request(tmp_path: Path) -> None:
    secret = secrets.token_hex(32)
    variables = {"SUBGRAPH_SIGNATURES": "on", "SUBGRAPH_SIGNATURE_SECRET": secret}
    async with open_bank(tmp_path, None, **variables) as bank, listening(bank.apps["account"]) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(url, bank.ann.token):
                pass
        assert refused.value.response.status_code == 401
        assert b"SIGNATURE_REFUSED" in refused.value.response.body
        headers = signed(url, secret)
        async with connected(url, bank.ann.token, headers=headers):
            pass
        with pytest.raises(InvalidStatus):  # the nonce is used
            async with connected(url, bank.ann.token, headers=headers):
                pass


def signed(url: str, secret: str) -> dict[str, str]:
    """The headers of a signed handshake."""
    target = SigningTarget("account", url.split("/")[2], "/graphql", "application/json", "GET")
    signer = RequestSigner(HmacKey(secret.encode()), target, covered=["authorization"])
    content_type = {"content-type": "application/json"}
    return {**content_type, **signer.headers(b"", content_type)}
