"""The client of the ledger, with servers that are functions."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bank.service_credential import ACCOUNT_INTERNAL, ServiceCredential
from mosafe.in_process_client import HttpxServiceClient
from servicekit import request_ids
from servicekit.errors import TimedOut, Unavailable
from subgraphs.transaction.domain import Parties
from subgraphs.transaction.ledger_client import Held, HttpLedger, OutcomeUnknown, Posted, Refused, posting
from subgraphs.transaction.problems import AccountFrozen, InsufficientFunds, OrderRefused
from tests.subgraphs.transaction.support import START, deposit_order, party, payment_order, transaction, transfer_order

if TYPE_CHECKING:
    from collections.abc import Callable

ANN, BOB = party(), party()
ORDER = transfer_order(ANN, BOB)
RECORD = transaction(ORDER, Parties(ANN, BOB))
CREDENTIAL = ServiceCredential("s" * 32)


class Server:
    """Responds to every request with the result of `response`; records the requests."""

    def __init__(self, response: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = response

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    def ledger(self) -> HttpLedger:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="http://ledger.test")
        return HttpLedger(HttpxServiceClient(client), CREDENTIAL)


def answering(body: object, status: int = 200) -> Server:
    return Server(lambda _: httpx.Response(status, json=body))


def failing(error: type[httpx.TransportError]) -> Server:
    def response(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    return Server(response)


BROKEN = {
    "connection refused": failing(httpx.ConnectError),
    "connect timeout": failing(httpx.ConnectTimeout),
    "read timeout": failing(httpx.ReadTimeout),
    "connection lost": failing(httpx.RemoteProtocolError),
    "500": answering({"error": {}}, 500),
    "503": answering({"error": {}}, 503),
    "401": answering({"error": {}}, 401),
    "400": answering({"error": {}}, 400),
    "409": answering({"error": {}}, 409),
    "redirect": answering({}, 302),
    "no JSON": Server(lambda _: httpx.Response(200, text="<html>")),
    "no object": answering([]),
    "empty": answering({}),
    "no UTF-8": Server(lambda _: httpx.Response(200, content=b"\xff\xfe{")),
}
UNCLEAR = {
    "unknown outcome": answering({"outcome": "MAYBE"}),
    "refused without a problem": answering({"outcome": "REFUSED"}),
    "refused with null": answering({"outcome": "REFUSED", "problem": None}),
    "unknown problem": answering({"outcome": "REFUSED", "problem": {"code": "BAD_MOON"}}),
    "malformed problem": answering({"outcome": "REFUSED", "problem": {"code": "INSUFFICIENT_FUNDS"}}),
}


async def test_posted_and_refused_are_definite() -> None:
    assert await answering({"outcome": "POSTED", "postedAt": "…"}).ledger().post(RECORD) == Posted()
    problem = {
        "code": "INSUFFICIENT_FUNDS",
        "message": "…",
        "available": "1.00",
        "requested": "10.00",
        "currency": "USD",
    }
    refused = await answering({"outcome": "REFUSED", "problem": problem}).ledger().post(RECORD)
    assert refused == Refused(InsufficientFunds(Decimal("1.00"), Decimal("10.00"), "USD"))


@pytest.mark.parametrize("name", [*BROKEN, *UNCLEAR])
async def test_everything_else_is_unknown(name: str) -> None:
    server = (BROKEN | UNCLEAR)[name]
    with pytest.raises(OutcomeUnknown) as caught:
        await server.ledger().post(RECORD)
    assert caught.value.reason


async def test_money_is_reserved_or_refused() -> None:
    server = answering({"outcome": "HELD", "heldAt": "…", "expiresAt": "…"})
    assert await server.ledger().reserve(RECORD, START) == Held()
    (sent,) = server.requests
    assert sent.url.path == "/internal/holds"
    assert json.loads(sent.content) == {**posting(RECORD), "expiresAt": "2026-03-01T12:00:00.000Z"}
    refusal = {"outcome": "REFUSED", "problem": {"code": "ACCOUNT_FROZEN", "accountId": ANN.account_id}}
    assert await answering(refusal).ledger().reserve(RECORD, START) == Refused(AccountFrozen(ANN.account_id))


@pytest.mark.parametrize("name", [*BROKEN, *UNCLEAR])
async def test_everything_else_about_a_hold_is_unknown(name: str) -> None:
    server = (BROKEN | UNCLEAR)[name]
    with pytest.raises(OutcomeUnknown):
        await server.ledger().reserve(RECORD, START)
    with pytest.raises(OutcomeUnknown):
        await server.ledger().release_hold(RECORD)


async def test_a_hold_is_released_once_or_was_never_made() -> None:
    for body, status in (
        ({"outcome": "RELEASED", "endedAt": "…"}, 200),
        ({"outcome": "EXPIRED", "endedAt": "…"}, 200),
        ({"error": {"code": "HOLD_NOT_FOUND"}}, 404),
    ):
        await answering(body, status).ledger().release_hold(RECORD)
    for body, status in (({"outcome": "CAPTURED"}, 200), ({"error": {"code": "NOT_FOUND"}}, 404), ({}, 404)):
        with pytest.raises(OutcomeUnknown):
            await answering(body, status).ledger().release_hold(RECORD)


@pytest.mark.parametrize("code", ["HOLD_RELEASED", "HOLD_EXPIRED"])
async def test_a_hold_that_has_ended_is_a_refusal_without_a_reason(code: str) -> None:
    body = {"outcome": "REFUSED", "problem": {"code": code, "message": "…"}}
    assert await answering(body).ledger().post(RECORD) == Refused(OrderRefused())


@pytest.mark.parametrize("name", BROKEN)
async def test_a_failed_look_up_is_unavailable_or_too_slow_without_its_cause(name: str) -> None:
    """Before, a service that hangs was reported as one that is down (503 and not 504)."""
    expected = TimedOut if name == "read timeout" else Unavailable
    with pytest.raises(expected) as caught:
        await BROKEN[name].ledger().parties(ORDER, RECORD.requester)
    assert caught.value.message == expected.default_message


async def test_a_look_up_names_the_receiver_as_the_order_does() -> None:
    found: dict[str, Any] = {
        "accountId": ANN.account_id,
        "userId": ANN.user_id,
        "accountNumber": ANN.account_number,
        "currency": "USD",
        "minorUnits": 2,
    }
    server = answering({"source": found, "destination": None})
    ledger = server.ledger()
    assert await ledger.parties(ORDER, RECORD.requester) == Parties(ANN, None)
    await ledger.parties(replace(ORDER, destination="1000000004"), RECORD.requester)
    by_id, by_number = (json.loads(request.content) for request in server.requests)
    person = {"userId": ANN.user_id, "roles": ["CUSTOMER"]}
    assert by_id == {
        "onBehalfOf": person,
        "type": "TRANSFER",
        "sourceAccountId": ANN.account_id,
        "destinationAccountId": BOB.account_id,
    }
    assert by_number == {
        "onBehalfOf": person,
        "type": "TRANSFER",
        "sourceAccountId": ANN.account_id,
        "destinationAccountNumber": "1000000004",
    }


async def test_a_call_carries_the_service_credential_and_the_requests_identity() -> None:
    server = answering({"outcome": "POSTED"})
    request = request_ids.RequestIds.from_headers("my-request", None)
    with request_ids.serving(request):
        await server.ledger().post(RECORD)
    (sent,) = server.requests
    assert sent.url.path == "/internal/postings"
    assert CREDENTIAL.verify(sent.headers["authorization"], audience=ACCOUNT_INTERNAL) == "transaction"
    assert sent.headers["x-request-id"] == "my-request"
    assert sent.headers["traceparent"] == request.traceparent


@pytest.mark.parametrize(
    ("record", "debited", "credited"),
    [
        (RECORD, {"accountId": ANN.account_id}, {"accountId": BOB.account_id}),
        (
            transaction(deposit_order(ANN), Parties(None, ANN)),
            {"internal": "DEPOSITS"},
            {"accountId": ANN.account_id},
        ),
        (
            transaction(payment_order(ANN), Parties(ANN, None)),
            {"accountId": ANN.account_id},
            {"internal": "PAYMENTS"},
        ),
    ],
    ids=["transfer", "deposit", "payment"],
)
def test_a_posting_is_balanced(record: Any, debited: object, credited: object) -> None:
    body = posting(record)
    assert body["entries"] == [{"account": debited, "amount": "-10.00"}, {"account": credited, "amount": "10.00"}]
    assert (body["transactionId"], body["amount"], body["currency"]) == (record.id, "10.00", "USD")


async def test_an_account_whose_name_has_half_of_a_surrogate_pair_is_looked_up() -> None:
    server = answering({"source": None, "destination": None})
    order = replace(ORDER, destination="\ud800 ü")
    assert await server.ledger().parties(order, RECORD.requester) == Parties(None, None)
    assert json.loads(server.requests[0].content)["destinationAccountNumber"] == "\ud800 ü"
