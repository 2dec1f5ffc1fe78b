"""Queries across the three services, and how many requests they cost."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from router.planner import plan
from router.supergraph import load
from tests.e2e.platform import PASSWORD, ROOT

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

QUERY = """
{
  me {
    name
    accounts {
      nodes {
        balance
        currency
        transactions(first: 5) { nodes { amount type counterparty { accountNumber owner { name } } } }
      }
    }
  }
}
"""


def count_fetches(node: Any) -> int:
    if isinstance(node, dict):
        return (node.get("kind") == "Fetch") + sum(count_fetches(child) for child in node.values())
    if isinstance(node, list):
        return sum(count_fetches(child) for child in node)
    return 0


def test_one_query_fetches_from_all_three_services(bank: Platform) -> None:
    ada, bob = bank.register("Ada"), bank.register("Bob")
    account = bank.open_account(ada, deposit="120.00")
    target = bank.open_account(bob)
    order = {
        "sourceAccountId": account["id"],
        "destinationAccountNumber": target["accountNumber"],
        "amount": "20.00",
        "currency": "EUR",
    }
    bank.call("POST", "/api/transactions/transfer", ada, json=order)

    response = bank.graphql(QUERY, ada)

    assert response == {
        "data": {
            "me": {
                "name": "Ada",
                "accounts": {
                    "nodes": [
                        {
                            "balance": "100.00",
                            "currency": "EUR",
                            "transactions": {
                                "nodes": [
                                    {
                                        "amount": "20.00",
                                        "type": "TRANSFER",
                                        "counterparty": {
                                            "accountNumber": target["accountNumber"],
                                            "owner": {"name": "Bob"},
                                        },
                                    },
                                    {"amount": "120.00", "type": "DEPOSIT", "counterparty": None},
                                ]
                            },
                        }
                    ]
                },
            }
        }
    }


def test_the_query_needs_the_requests_of_its_plan_and_none_per_item(bank: Platform) -> None:
    ada, bob = bank.register("Ada"), bank.register("Bob")
    target = bank.open_account(bob)
    for _ in range(3):
        account = bank.open_account(ada, deposit="50.00")
        for _ in range(3):
            order = {
                "sourceAccountId": account["id"],
                "destinationAccountId": target["id"],
                "amount": "1.00",
                "currency": "EUR",
            }
            bank.call("POST", "/api/transactions/transfer", ada, json=order)
    request_id = f"req_{uuid.uuid4().hex}"

    response = bank.graphql(QUERY, ada, request_id=request_id)

    assert "errors" not in response
    assert len(response["data"]["me"]["accounts"]["nodes"]) == 3
    subgraphs = {"auth", "account", "transaction"}
    requests = bank.wait_for_access_lines(request_id, at_least=4, of=subgraphs)
    fetches = count_fetches(plan(load((ROOT / "supergraph.graphql").read_text(encoding="utf-8")), QUERY).to_json())
    assert fetches == 4
    assert sorted(service for service, _ in requests) == ["account", "auth", "auth", "transaction"]


def test_one_request_has_one_id_and_one_trace_in_every_process(bank: Platform) -> None:
    ada = bank.register("Ada")
    bank.open_account(ada)
    request_id = f"req_{uuid.uuid4().hex}"
    response = bank.client.get(f"{bank.rest_url}/api/accounts", headers={**ada.headers, "x-request-id": request_id})
    assert response.headers["x-request-id"] == request_id
    bank.wait_for_access_lines(request_id, at_least=2, of={"rest", "account"})
    traces = {
        match[1]
        for line in list(bank.lines)
        if request_id in line and (match := re.search(r'"trace_id": ?"(\w+)"', line))
    }
    assert len(traces) == 1


def test_no_log_line_contains_a_token_a_password_or_an_address(bank: Platform) -> None:
    ada = bank.register("Zebedee")
    last = f"req_{uuid.uuid4().hex}"
    bank.graphql("{ me { email } }", ada)
    bank.graphql(QUERY, ada, request_id=last)
    bank.wait_for_access_lines(last, at_least=1, of={"auth"})
    output = "\n".join(bank.lines)
    for secret in (ada.access_token, ada.refresh_token, ada.email, PASSWORD, "Zebedee"):
        assert secret not in output


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("port", ["AUTH_PORT", "ACCOUNT_PORT", "TRANSACTION_PORT", "ROUTER_PORT", "REST_PORT"])
def test_every_process_responds_to_health_probes(bank: Platform, port: str, path: str) -> None:
    assert bank.client.get(f"http://127.0.0.1:{bank.ports[port]}{path}").status_code == 200


def test_an_error_of_a_subgraph_does_not_show_its_cause_to_clients(bank: Platform) -> None:
    response = bank.graphql('{ accounts(after: "forged") { nodes { id } } }', bank.register())
    text = json.dumps(response)
    assert response["data"] == {"accounts": None}
    assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert not re.search(r"127\.0\.0\.1|Traceback|sqlite|subgraph", text, re.IGNORECASE)
