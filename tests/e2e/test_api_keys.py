"""API keys of machines through the router and through REST: their scopes, and their end (bank §2.24)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.platform import Person, Platform

pytestmark = pytest.mark.xdist_group("bank")

CREATE = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  ... on ApiKeySecret { apiKey { id } secret } ... on Problem { code } } }"""
REVOKE = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { __typename } }"
HELD = "{ heldTransactions { nodes { id } } }"


def create_key(bank: Platform, owner: Person, *scopes: str) -> tuple[str, str]:
    """The id and the secret of a new key."""
    created = bank.graphql(CREATE, owner, {"input": {"name": "batch", "scopes": list(scopes)}})["data"]["createApiKey"]
    return created["apiKey"]["id"], created["secret"]


def ask(bank: Platform, query: str, secret: str) -> Any:
    """The response of the router to a machine that sends its key."""
    response = bank.client.post(bank.router_url, json={"query": query}, headers={"x-api-key": secret})
    return response.json()


def codes(body: Any) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", [])]


def test_a_machine_uses_the_router_and_rest_until_its_key_is_revoked(bank: Platform) -> None:
    owner = bank.register()
    account = bank.open_account(owner, deposit="50.00")["id"]
    key_id, secret = create_key(bank, owner, "bank:read")
    read = f'{{ account(id: "{account}") {{ balance }} transactions {{ totalCount }} }}'
    assert ask(bank, read, secret)["data"] == {"account": {"balance": "50.00"}, "transactions": {"totalCount": 1}}
    by_key = [{"x-api-key": secret}, {"authorization": f"Bearer {secret}"}]
    for headers in by_key:
        got = bank.client.get(f"{bank.rest_url}/api/accounts/{account}/balance", headers=headers)
        assert (got.status_code, got.json()["balance"]) == (200, "50.00")
    # The key may only read.
    body = {"type": "CHECKING", "currency": "EUR"}
    assert bank.client.post(f"{bank.rest_url}/api/accounts", json=body, headers=by_key[0]).status_code == 403

    bank.graphql(REVOKE, owner, {"id": key_id})
    assert codes(ask(bank, read, secret)) == ["UNAUTHENTICATED", "UNAUTHENTICATED"]
    for headers in by_key:
        refused = bank.client.get(f"{bank.rest_url}/api/accounts/{account}/balance", headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")


def test_a_key_of_staff_has_its_role_at_the_router(bank: Platform) -> None:
    staff = bank.register_staff("SUPPORT")
    _, with_role = create_key(bank, staff, "bank:read", "bank:staff")
    _, without = create_key(bank, staff, "bank:read")
    assert codes(ask(bank, HELD, with_role)) == []
    assert codes(ask(bank, HELD, without)) == ["FORBIDDEN"]
    assert codes(bank.graphql(HELD, replace(staff, access_token=with_role))) == []
    forged = f"msk_{'0' * 16}_{'A' * 43}"
    assert codes(ask(bank, HELD, forged)) == ["UNAUTHENTICATED"]
