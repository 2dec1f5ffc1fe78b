from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bank import values
from tests.rest_compat.fake_bank import FakeBank, account, graphql_error, invalid_account, problem, transaction

if TYPE_CHECKING:
    import httpx

    from tests.rest_compat.fake_bank import Json

SOURCE, DESTINATION = values.new_object_id(), values.new_object_id()
MONEY = {"amount": "25.00", "currency": "EUR"}
TRANSFER = {"sourceAccountId": SOURCE, "destinationAccountId": DESTINATION, **MONEY}
ORDERS = {
    "deposit": {"type": "DEPOSIT", "destinationAccountId": DESTINATION, **MONEY},
    "withdraw": {"type": "WITHDRAWAL", "sourceAccountId": SOURCE, **MONEY},
    "pay": {"type": "PAYMENT", "sourceAccountId": SOURCE, "payee": "Water Works", **MONEY},
}


@pytest.mark.parametrize(("operation", "order"), ORDERS.items())
async def test_type_selects_the_operation(ada: httpx.AsyncClient, bank: FakeBank, operation: str, order: Json) -> None:
    response = await ada.post("/api/transactions", json={**order, "metadata": {"note": "ü"}})
    assert (response.status_code, response.json()["type"]) == (201, order["type"])
    assert response.json()["metadata"] == {"note": "ü"}
    name, arguments, _ = bank.calls[-1]
    assert name == operation
    sent = {key: value for key, value in order.items() if key != "type"}
    assert arguments["input"] == {
        **sent,
        "metadata": {"note": "ü"},
        "idempotencyKey": arguments["input"]["idempotencyKey"],
    }


async def test_location_names_the_new_transfer(ada: httpx.AsyncClient) -> None:
    response = await ada.post("/api/transactions/transfer", json=TRANSFER)
    assert response.status_code == 201
    again = await ada.get(response.headers["location"])
    assert again.json() == response.json()
    assert response.json()["sourceAccountId"] == SOURCE


@pytest.mark.parametrize("status", ["PENDING", "HELD"])
async def test_pending_outcome_is_202(ada: httpx.AsyncClient, bank: FakeBank, status: str) -> None:
    made = transaction(status=status)
    bank.responses["transfer"] = {"__typename": "TransactionSuccess", "transaction": made, "replayed": False}
    response = await ada.post("/api/transactions/transfer", json=TRANSFER)
    assert (response.status_code, response.json()["status"]) == (202, status)
    assert response.headers["location"] == f"/api/transactions/{made['id']}"


_REFUSALS = [
    (problem("InsufficientFunds", "INSUFFICIENT_FUNDS", available="1.00", requested="2.00", currency="EUR"), 422),
    (problem("CurrencyMismatch", "CURRENCY_MISMATCH", accountCurrency="USD"), 422),
    (problem("AccountFrozen", "ACCOUNT_FROZEN", accountId=SOURCE), 422),
    (problem("SameAccount", "SAME_ACCOUNT"), 422),
    (problem("ReceiverUnavailable", "RECEIVER_UNAVAILABLE"), 422),
    (problem("IdempotencyKeyReused", "IDEMPOTENCY_KEY_REUSED"), 422),
    (problem("StepUpRequired", "STEP_UP_REQUIRED", acrValues=["urn:bank:mfa"], maxAge=300), 401),
    (invalid_account(SOURCE, "Account has been closed"), 404),
]


@pytest.mark.parametrize(("refusal", "status"), _REFUSALS, ids=lambda value: str(value)[:40])
async def test_refusal_has_its_facts(ada: httpx.AsyncClient, bank: FakeBank, refusal: Json, status: int) -> None:
    bank.responses["transfer"] = refusal
    response = await ada.post("/api/transactions/transfer", json=TRANSFER)
    error = response.json()["error"]
    facts = {name: value for name, value in refusal.items() if name not in {"__typename", "code", "message"}}
    assert (response.status_code, error["code"], error["details"]) == (status, refusal["code"], facts)


async def test_a_step_up_has_the_challenge_of_rfc_9470(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    """From the bank as a Problem, and from a rule of the router as an error, which was a 500."""
    facts = {"acrValues": ["urn:bank:mfa", "urn:bank:passkey"], "maxAge": 300}
    for answer in (
        problem("StepUpRequired", "STEP_UP_REQUIRED", **facts),
        graphql_error("INSUFFICIENT_USER_AUTHENTICATION", acrValues=facts["acrValues"], maxAge=facts["maxAge"]),
    ):
        bank.responses["transfer"] = answer
        response = await ada.post("/api/transactions/transfer", json=TRANSFER)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "STEP_UP_REQUIRED")
        assert response.json()["error"]["details"] == facts
        assert response.headers["www-authenticate"] == (
            'Bearer realm="mosafe", error="insufficient_user_authentication",'
            ' acr_values="urn:bank:mfa urn:bank:passkey", max_age="300"'
        )


async def test_a_limit_of_amounts_is_shown_with_the_time_of_its_reset(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    facts = {"kind": "DAY", "limit": "100.00", "remaining": "20.00", "currency": "EUR"}
    reset = {"resetsAt": "2026-02-01T00:00:00.000Z"}
    bank.responses["transfer"] = problem("AmountLimitExceeded", "AMOUNT_LIMIT_EXCEEDED", **facts, **reset)
    response = await ada.post("/api/transactions/transfer", json=TRANSFER)
    assert response.status_code == 422
    error = response.json()["error"]
    assert (error["code"], error["details"]) == ("AMOUNT_LIMIT_EXCEEDED", facts | reset)


async def test_null_facts_are_omitted(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["transfer"] = problem("CurrencyMismatch", "CURRENCY_MISMATCH", accountCurrency=None)
    response = await ada.post("/api/transactions/transfer", json=TRANSFER)
    assert response.json()["error"]["details"] == {}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"amount": 25.0}, "amount", "TYPE"),
        ({"amount": 25}, "amount", "TYPE"),
        ({"amount": "25.0"}, "amount", "INVALID_AMOUNT"),
        ({"amount": "-1.00"}, "amount", "INVALID_AMOUNT"),
        ({"amount": "0.00"}, "amount", "INVALID_AMOUNT"),
        ({"amount": "1e2"}, "amount", "INVALID_AMOUNT"),
        ({"currency": "eur"}, "currency", "INVALID_CURRENCY"),
        ({"currency": "JPY"}, "amount", "INVALID_AMOUNT"),
        ({"sourceAccountId": "123"}, "sourceAccountId", "INVALID_FORMAT"),
        ({"destinationAccountNumber": "1234567896"}, "destinationAccountId", "EXACTLY_ONE"),
        ({"metadata": {"n": 1}}, "metadata", "TYPE"),
        ({"metadata": {str(n): "x" for n in range(21)}}, "metadata", "TOO_MANY"),
        ({"metadata": {"n": "é" * 1024}}, "metadata", "TOO_LONG"),
        ({"metadata": [1]}, "metadata", "TYPE"),
        ({"idempotencyKey": "k"}, "idempotencyKey", "UNKNOWN"),
    ],
)
async def test_bad_order_is_400_without_a_request_to_the_bank(
    ada: httpx.AsyncClient, bank: FakeBank, change: Json, path: str, code: str
) -> None:
    response = await ada.post("/api/transactions/transfer", json={**TRANSFER, **change})
    assert response.status_code == 400
    (field,) = response.json()["error"]["details"]["fields"]
    assert (field["path"][:2], field["code"]) == (["body", path], code)
    assert bank.calls == []


@pytest.mark.parametrize("kind", [None, "TRANSFER", "", 1, {}])
async def test_order_without_a_known_type_is_400(ada: httpx.AsyncClient, kind: object) -> None:
    response = await ada.post("/api/transactions", json={**ORDERS["deposit"], "type": kind})
    assert response.status_code == 400
    assert response.json()["error"]["details"]["fields"][0]["path"] == ["body", "type"]


async def test_list_accepts_every_filter(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    query = {"type": "DEPOSIT", "status": "FAILED", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00+01:00"}
    response = await ada.get("/api/transactions", params={**query, "minAmount": "1.00", "maxAmount": "9.99"})
    assert (response.status_code, response.json()["data"]) == (200, [])
    wanted = {**query, "type": ["DEPOSIT"], "status": ["FAILED"], "minAmount": "1.00", "maxAmount": "9.99"}
    assert bank.calls[-1][1]["filter"] == wanted


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=2026-13-01T00:00:00Z", "minAmount=0", "maxAmount=-1", "type=X"]
)
async def test_bad_filter_is_400(ada: httpx.AsyncClient, query: str) -> None:
    assert (await ada.get(f"/api/transactions?{query}")).status_code == 400


async def test_transactions_of_a_closed_account_are_listed(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    made, listed = account(status="CLOSED"), transaction()
    bank.accounts[made["id"]], bank.transactions[listed["id"]] = made, listed
    response = await ada.get(f"/api/transactions/account/{made['id']}")
    assert (response.status_code, [item["id"] for item in response.json()["data"]]) == (200, [listed["id"]])


@pytest.mark.parametrize("account_id", ["0" * 24, "123"])
async def test_transactions_of_an_unknown_account_are_404(ada: httpx.AsyncClient, account_id: str) -> None:
    response = await ada.get(f"/api/transactions/account/{account_id}")
    assert (response.status_code, response.json()["error"]["details"]) == (404, {"accountId": account_id})


@pytest.mark.parametrize("transaction_id", ["0" * 24, "123", "account"])
async def test_unknown_transaction_is_404(ada: httpx.AsyncClient, transaction_id: str) -> None:
    response = await ada.get(f"/api/transactions/{transaction_id}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "INVALID_TRANSACTION")
    assert response.json()["error"]["details"] == {"transactionId": transaction_id}


class TestIdempotencyKey:
    async def test_clients_key_reaches_the_bank(self, ada: httpx.AsyncClient, bank: FakeBank) -> None:
        await ada.post("/api/transactions/transfer", json=TRANSFER, headers={"idempotency-key": "k-1"})
        assert bank.calls[-1][1]["input"]["idempotencyKey"] == "k-1"

    async def test_each_request_without_a_key_gets_a_new_one(self, ada: httpx.AsyncClient, bank: FakeBank) -> None:
        for _ in range(2):
            assert (await ada.post("/api/transactions/transfer", json=TRANSFER)).status_code == 201
        first, second = (call[1]["input"]["idempotencyKey"] for call in bank.calls)
        assert first != second

    async def test_replay_has_its_header(self, ada: httpx.AsyncClient, bank: FakeBank) -> None:
        success = {"__typename": "TransactionSuccess", "transaction": transaction()}
        bank.responses["transfer"] = {**success, "replayed": True}
        again = await ada.post("/api/transactions/transfer", json=TRANSFER, headers={"idempotency-key": "k"})
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
        bank.responses["transfer"] = {**success, "replayed": False}
        first = await ada.post("/api/transactions/transfer", json=TRANSFER, headers={"idempotency-key": "k"})
        assert "idempotent-replayed" not in first.headers

    @pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
    async def test_malformed_key_is_400(self, ada: httpx.AsyncClient, key: str) -> None:
        headers = [(b"idempotency-key", key.encode())]
        response = await ada.post("/api/transactions/transfer", json=TRANSFER, headers=headers)
        assert response.status_code == 400
        assert response.json()["error"]["details"]["fields"][0]["path"] == ["header", "Idempotency-Key"]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [({}, (409, "IDEMPOTENCY_KEY_IN_USE")), ({"amount": "26.00"}, (422, "IDEMPOTENCY_KEY_REUSED"))],
    )
    async def test_second_request_does_not_race_the_first(
        self, ada: httpx.AsyncClient, bank: FakeBank, change: Json, expected: tuple[int, str]
    ) -> None:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            arrived.set()
            await go_on.wait()

        bank.before = wait
        headers = {"idempotency-key": "k"}
        url = "/api/transactions/transfer"
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(ada.post(url, json=TRANSFER, headers=headers))
            await arrived.wait()
            second = await ada.post(url, json={**TRANSFER, **change}, headers=headers)
            other = tasks.create_task(ada.post("/api/transactions", json=ORDERS["deposit"], headers=headers))
            go_on.set()
        assert (second.status_code, second.json()["error"]["code"]) == expected
        assert (first.result().status_code, other.result().status_code) == (201, 201)
        assert (await ada.post(url, json=TRANSFER, headers=headers)).status_code == 201
