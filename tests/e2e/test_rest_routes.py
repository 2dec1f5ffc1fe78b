"""The routes against the running platform; each response is checked against the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.platform import PASSWORD
from tests.rest_compat import openapi_check

if TYPE_CHECKING:
    import httpx

    from tests.e2e.platform import Person, Platform

pytestmark = pytest.mark.xdist_group("bank")

Json = dict[str, Any]


@dataclass(frozen=True)
class Customer:
    bank: Platform
    person: Person

    def send(self, method: str, path: str, json: Json | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.bank.client.request(
            method, self.bank.rest_url + path, json=json, headers={**self.person.headers, **named}
        )
        openapi_check.check(response)
        return response

    def open_account(self, deposit: str | None = None) -> Json:
        return self.bank.open_account(self.person, deposit=deposit)


@pytest.fixture
def ada(bank: Platform) -> Customer:
    return Customer(bank, bank.register("Ada"))


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def transfer(source: Json, destination: Json, amount: str = "10.00") -> Json:
    ids = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"]}
    return {**ids, "amount": amount, "currency": "EUR"}


def test_session_from_registration_to_logout(ada: Customer) -> None:
    credentials = {"email": ada.person.email, "password": PASSWORD}
    assert code(ada.send("POST", "/api/auth/register", {**credentials, "name": "Eve"})) == (409, "EMAIL_TAKEN")
    weak = {"email": f"weak-{ada.person.email}", "password": "1234", "name": "Eve"}
    assert code(ada.send("POST", "/api/auth/register", weak)) == (422, "WEAK_PASSWORD")
    wrong = {**credentials, "password": "not the password"}
    assert code(ada.send("POST", "/api/auth/login", wrong)) == (401, "INVALID_CREDENTIALS")
    assert ada.send("POST", "/api/auth/login", credentials).json()["user"]["id"] == ada.person.id

    old = {"refreshToken": ada.person.refresh_token}
    pair = ada.send("POST", "/api/auth/refresh", old)
    assert pair.status_code == 200
    assert ada.send("GET", "/api/auth/me").json()["email"] == ada.person.email
    assert ada.send("DELETE", "/api/auth/logout").status_code == 204
    assert code(ada.send("GET", "/api/auth/me")) == (401, "UNAUTHENTICATED")
    assert code(ada.send("POST", "/api/auth/refresh", {"refreshToken": pair.json()["refreshToken"]})) == (
        401,
        "INVALID_TOKEN",
    )


def test_bad_registration_lists_the_errors_that_the_service_finds(ada: Customer) -> None:
    body = {"email": "ada@xn--a.example", "password": PASSWORD, "name": "Ada"}
    response = ada.send("POST", "/api/auth/register", body)
    assert code(response) == (400, "VALIDATION_ERROR")
    assert response.json()["error"]["details"]["fields"][0]["path"] == ["body", "email"]


def test_a_bad_address_and_a_weak_password_are_refused_together(ada: Customer) -> None:
    response = ada.send("POST", "/api/auth/register", {"email": "nope", "password": "password123", "name": "Ada"})
    fields = response.json()["error"]["details"]["fields"]
    assert [(field["path"][-1], field["code"]) for field in fields] == [
        ("email", "TOO_SHORT"),
        ("password", "WEAK_PASSWORD"),
    ]


def test_account_from_opening_to_closing(ada: Customer) -> None:
    opened = ada.send("POST", "/api/accounts", {"type": "CHECKING", "currency": "EUR"})
    url = opened.headers["location"]
    got = ada.send("GET", url)
    assert (got.json(), got.headers["etag"]) == (opened.json(), opened.headers["etag"])
    assert got.json()["userId"] == ada.person.id
    assert ada.send("GET", url, if_none_match=got.headers["etag"]).status_code == 304

    assert code(ada.send("PUT", url, {"status": "FROZEN"})) == (403, "FORBIDDEN")
    assert ada.send("PUT", url, {"type": "SAVINGS"}, if_match=got.headers["etag"]).json()["type"] == "SAVINGS"
    stale = ada.send("PUT", url, {"type": "BUSINESS"}, if_match=got.headers["etag"])
    assert code(stale) == (412, "PRECONDITION_FAILED")

    assert ada.send("DELETE", url).status_code == 204
    for method, path in (("GET", url), ("GET", f"{url}/balance"), ("DELETE", url)):
        error = ada.send(method, path).json()["error"]
        assert error["message"] == "Account not found"
        assert error["details"] == {"accountId": opened.json()["id"], "reason": "Account has been closed"}
    assert ada.send("GET", f"/api/transactions/account/{opened.json()['id']}").json()["data"] == []
    assert ada.send("GET", "/api/accounts").json()["data"] == []
    assert [a["id"] for a in ada.send("GET", "/api/accounts?status=CLOSED").json()["data"]] == [opened.json()["id"]]


def test_account_of_another_customer_is_404(ada: Customer, bank: Platform) -> None:
    theirs = bank.open_account(bank.register("Eve"), deposit="5.00")
    for method, below, body in (("GET", "", None), ("GET", "/balance", None), ("PUT", "", {"type": "SAVINGS"})):
        response = ada.send(method, f"/api/accounts/{theirs['id']}{below}", body)
        assert code(response) == (404, "INVALID_ACCOUNT")
        assert response.json()["error"]["details"] == {"accountId": theirs["id"]}
    assert ada.send("GET", f"/api/transactions/account/{theirs['id']}").status_code == 404
    assert ada.send("POST", "/api/transactions/transfer", transfer(theirs, ada.open_account())).status_code == 404


def test_deposit_transfer_and_withdrawal(ada: Customer) -> None:
    full, empty = ada.open_account("100.00"), ada.open_account()
    moved = ada.send("POST", "/api/transactions/transfer", transfer(full, empty, "60.00"))
    assert moved.status_code == 201
    assert ada.send("GET", moved.headers["location"]).json() == moved.json()
    base = {"sourceAccountId": empty["id"], "amount": "20.00", "currency": "EUR"}
    assert ada.send("POST", "/api/transactions", {"type": "WITHDRAWAL", **base}).status_code == 201
    payment = ada.send("POST", "/api/transactions", {"type": "PAYMENT", "payee": "Water Works", **base})
    assert (payment.status_code, payment.json()["destinationAccountId"]) == (201, None)
    balance = ada.send("GET", f"/api/accounts/{empty['id']}/balance").json()
    assert (balance["balance"], balance["available"], balance["held"]) == ("20.00", "20.00", "0.00")
    assert code(ada.send("DELETE", f"/api/accounts/{empty['id']}")) == (409, "ACCOUNT_NOT_EMPTY")

    listed = ada.send("GET", f"/api/transactions/account/{empty['id']}?limit=2")
    rest = ada.send("GET", listed.links["next"]["url"])
    assert [item["type"] for item in listed.json()["data"] + rest.json()["data"]] == [
        "PAYMENT",
        "WITHDRAWAL",
        "TRANSFER",
    ]
    assert "next" not in rest.links
    statement = ada.send("GET", f"/api/accounts/{empty['id']}/statement?limit=2").json()
    assert [entry["balance"] for entry in statement["data"]] == ["60.00", "40.00"]
    assert (statement["openingBalance"], statement["closingBalance"]) == ("0.00", "20.00")
    assert statement["data"][0]["transactionId"] == moved.json()["id"]
    assert ada.send("GET", "/api/transactions?type=DEPOSIT&minAmount=100.00").json()["data"][0]["amount"] == "100.00"


def test_refusals_of_the_bank_have_a_reason(ada: Customer) -> None:
    full, empty = ada.open_account("10.00"), ada.open_account()
    url = "/api/transactions/transfer"
    poor = ada.send("POST", url, transfer(full, empty, "10.01"))
    assert code(poor) == (422, "INSUFFICIENT_FUNDS")
    assert poor.json()["error"]["details"] == {"available": "10.00", "requested": "10.01", "currency": "EUR"}
    assert code(ada.send("POST", url, transfer(full, full))) == (422, "SAME_ACCOUNT")
    assert code(ada.send("POST", url, {**transfer(full, empty), "currency": "USD"})) == (422, "CURRENCY_MISMATCH")
    nowhere = {**transfer(full, empty), "destinationAccountId": "0" * 24}
    assert code(ada.send("POST", url, nowhere)) == (404, "INVALID_ACCOUNT")
    assert code(ada.send("GET", "/api/transactions?cursor=Zm9yZ2Vk")) == (400, "VALIDATION_ERROR")
    assert code(ada.send("GET", f"/api/transactions/{'0' * 24}")) == (404, "INVALID_TRANSACTION")


def test_key_makes_an_order_safe_to_repeat(ada: Customer) -> None:
    full, empty = ada.open_account("100.00"), ada.open_account()
    order, url = transfer(full, empty), "/api/transactions/transfer"
    first = ada.send("POST", url, order, idempotency_key="k-1")
    again = ada.send("POST", url, order, idempotency_key="k-1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = ada.send("POST", url, {**order, "amount": "11.00"}, idempotency_key="k-1")
    assert code(other) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert ada.send("GET", f"/api/accounts/{full['id']}/balance").json()["balance"] == "90.00"
