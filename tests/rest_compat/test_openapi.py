from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # it ships no types
from openapi_spec_validator import validate

from rest_compat import openapi
from rest_compat.openapi_links import operation_id
from rest_compat.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.rest_compat.fake_bank import FakeBank

DOCUMENT = json.loads(json.dumps(openapi.document()))
OPERATIONS = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def named(operation: dict[str, Any]) -> str:
    return str(operation["operationId"])


def test_document_is_openapi_3_1() -> None:
    validate(DOCUMENT)


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "requestBody" in operation:
        yield from operation["requestBody"]["content"].values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_each_example_matches_its_schema(operation: dict[str, Any]) -> None:
    components = {"components": {"schemas": DOCUMENT["components"]["schemas"]}}
    count = 0
    for content in contents(operation):
        for example in content.get("examples", {}).values():
            schema = {**content["schema"], **components}
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(example["value"])
            count += 1
    assert count
    for parameter in operation["parameters"]:
        if "example" in parameter:
            Draft202012Validator(parameter["schema"]).validate(parameter["example"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_secured_routes_have_the_security_scheme_and_401(operation: dict[str, Any]) -> None:
    route = next(route for route in ROUTES if operation_id(route) == operation["operationId"])
    assert operation["security"] == ([{"accessToken": []}, {"apiKey": []}, {"boundToken": []}] if route.secured else [])
    assert not route.secured or "401" in operation["responses"]
    assert {"400", "406", "429", "500", "503", "504"} <= operation["responses"].keys()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_document_is_served(anyone: httpx.AsyncClient, bank: FakeBank, method: str) -> None:
    async with httpx.AsyncClient(transport=anyone._transport, base_url="http://rest") as client:  # noqa: SLF001 - unchecked twin
        response = await client.request(method, "/openapi.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert bank.calls == []
    if method == "GET":
        assert response.json() == DOCUMENT


def test_each_operation_has_its_own_example_of_an_idempotency_key() -> None:
    """All operations had the same example, so that a second order with it was refused."""
    examples = [
        parameter["example"]
        for operation in OPERATIONS
        for parameter in operation["parameters"]
        if parameter["name"] == "Idempotency-Key"
    ]
    assert len(examples) == len(set(examples)) == 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("openAccount", {"getAccount", "deposit", "withdraw", "pay", "listAccountTransactions"}),
        ("listAccounts", {"getAccount", "transfer", "nextPage"}),
        ("listTransactions", {"getTransaction", "nextPage"}),
        ("login", {"refresh"}),
        ("register", {"refresh", "login"}),
    ],
)
def test_links_lead_to_what_takes_the_ids_of_a_response(name: str, wanted: set[str]) -> None:
    """No link led to `POST /api/transactions` and `/transfer`, and none to what a list contains."""
    operation = next(operation for operation in OPERATIONS if operation["operationId"] == name)
    links = {
        link: target
        for response in operation["responses"].values()
        for link, target in response.get("links", {}).items()
    }
    assert wanted <= links.keys()
    assert {target["operationId"] for target in links.values()} <= {named(operation) for operation in OPERATIONS}


def resolved(value: Any, body: Any) -> Any:
    """`value` of a link after its runtime expressions took what they name from the response's body."""
    if isinstance(value, dict):
        return {name: resolved(each, body) for name, each in value.items()}
    if value.startswith("$"):
        return pointed(body, value)
    return re.sub(r"\{([^}]+)\}", lambda match: str(pointed(body, match[1])), value)


def pointed(body: Any, expression: str) -> Any:
    for token in expression.removeprefix("$response.body#/").split("/"):
        body = body[0 if token.isdigit() else token]
    return body


@pytest.mark.parametrize("balance", ["0", "0.00", "12.50", "0.000"])
@pytest.mark.parametrize("name", ["openAccount", "listAccounts"])
def test_the_body_of_each_link_fits_the_operation_it_leads_to(name: str, balance: str) -> None:
    """Links to orders were in euros, and had the example of a key, so that hardly any order could be carried out."""
    currency = {0: "JPY", 2: "EUR", 3: "KWD"}[len(balance.partition(".")[2])]
    operations = {operation["operationId"]: operation for operation in OPERATIONS}
    response = next(each for status, each in operations[name]["responses"].items() if status.startswith("2"))
    body = json.loads(json.dumps(response["content"]["application/json"]["examples"]["one"]["value"]))
    for account in body.get("data", [body]):
        account.update({"balance": balance, "currency": currency})
    checked = 0
    for link in response["links"].values():
        if "requestBody" not in link:
            continue
        (content,) = operations[link["operationId"]]["requestBody"]["content"].values()
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(resolved(link["requestBody"], body))
        for parameter in operations[link["operationId"]]["parameters"]:
            if (value := link.get("parameters", {}).get(parameter["name"])) is not None:
                Draft202012Validator(parameter["schema"]).validate(resolved(value, body))
        checked += 1
    assert checked


def examples_of_body(operation_id: str) -> dict[str, Any]:
    operation = next(each for each in OPERATIONS if each["operationId"] == operation_id)
    (content,) = operation["requestBody"]["content"].values()
    return {name: example["value"] for name, example in content["examples"].items()}


def test_no_example_of_an_order_names_an_account_twice() -> None:
    """The example of a transfer had one id for both accounts. The bank refuses this order, whoever sends it."""
    transfers = examples_of_body("transfer")
    assert [set(body) & {"destinationAccountId", "destinationAccountNumber"} for body in transfers.values()] == [
        {"destinationAccountId"},
        {"destinationAccountNumber"},
    ]
    assert all(body["sourceAccountId"] != body.get("destinationAccountId") for body in transfers.values())


def test_examples_of_deposits_show_currencies_with_different_decimals() -> None:
    orders = examples_of_body("createTransaction").values()
    deposits = [(body["amount"], body["currency"]) for body in orders if body["type"] == "DEPOSIT"]
    assert deposits == [("100.00", "EUR"), ("100", "JPY")]


@pytest.mark.parametrize("name", ["listAccounts", "listTransactions", "listAccountTransactions", "getStatement"])
def test_a_list_that_is_read_with_all_examples_is_not_empty(name: str) -> None:
    """Each filter had an example. Together they asked for a period that ends when it begins."""
    operation = next(each for each in OPERATIONS if each["operationId"] == name)
    filled_in = {each["name"] for each in operation["parameters"] if each["in"] == "query" and "example" in each}
    assert filled_in == {"limit"}
    times = [each for each in operation["parameters"] if each["name"] in {"from", "to"}]
    assert all("2026-01-31T09:30:00.000Z" in each["description"] for each in times)


def test_a_change_of_status_is_not_what_a_client_reads_from_the_account() -> None:
    """Generators of requests sent the status that they had read, which only support may do."""
    status = DOCUMENT["components"]["schemas"]["AccountChange"]["properties"]["status"]
    assert {each["const"]: each["description"] for each in status["oneOf"]} == {
        "ACTIVE": "Unfreeze the account.",
        "FROZEN": "Freeze the account.",
    }


def test_each_type_of_account_has_an_example_of_one_currency() -> None:
    (content,) = next(each for each in OPERATIONS if each["operationId"] == "openAccount")["requestBody"][
        "content"
    ].values()
    assert [example["value"] for example in content["examples"].values()] == [
        {"type": each, "currency": "EUR"} for each in ("CHECKING", "SAVINGS", "BUSINESS")
    ]
