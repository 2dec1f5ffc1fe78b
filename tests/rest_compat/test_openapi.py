from __future__ import annotations

import json
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
    assert operation["security"] == ([{"accessToken": []}] if route.secured else [])
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
        ("openAccount", {"getAccount", "deposit", "withdraw", "pay", "transfer", "listAccountTransactions"}),
        ("listAccounts", {"getAccount", "transfer", "nextPage"}),
        ("listTransactions", {"getTransaction", "nextPage"}),
        ("login", {"refresh"}),
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
