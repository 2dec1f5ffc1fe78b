"""No customer sees another customer's data: every field and path, through the router and on each subgraph's port.

Ada has sent some of her money to Bob. Eve has an account and a token, knows every id, and forges representations.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bank import values

if TYPE_CHECKING:
    from tests.e2e.platform import Person, Platform

pytestmark = pytest.mark.xdist_group("bank")

ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { __typename %s } }"
USER_FIELDS = "... on User { id name email roles createdAt }"
ACCOUNT_FIELDS = (
    "... on Account { id accountNumber balance available held balanceAsOf currency status type"
    " owner { id } version createdAt updatedAt }"
)
TRANSACTION_FIELDS = (
    "id amount currency type status payee metadata createdAt updatedAt problem { code }"
    " source { id } destination { id } counterparty { accountNumber owner { id } }"
)


@dataclass(frozen=True)
class Scene:
    ada: Person
    bob: Person
    eve: Person
    ada_account: dict[str, Any]
    bob_account: dict[str, Any]
    transfer_id: str


@pytest.fixture(scope="module")
def scene(bank: Platform) -> Scene:
    ada, bob, eve = (bank.register(name) for name in ("Ada", "Bob", "Eve"))
    ada_account, bob_account = bank.open_account(ada, deposit="75.00"), bank.open_account(bob)
    bank.open_account(eve, deposit="1.00")
    order = {
        "sourceAccountId": ada_account["id"],
        "destinationAccountId": bob_account["id"],
        "amount": "25.00",
        "currency": "EUR",
        "metadata": {"note": "rent"},
    }
    transfer = bank.call("POST", "/api/transactions/transfer", ada, json=order)
    return Scene(ada, bob, eve, ada_account, bob_account, transfer["id"])


def codes(response: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in response.get("errors", [])}


def entities(
    bank: Platform, subgraph: str, representations: list[dict[str, Any]], fields: str, person: Person | None
) -> dict[str, Any]:
    return bank.graphql(ENTITIES % fields, person, {"r": representations}, url=bank.subgraph_url(subgraph))


def test_an_account_of_another_customer_looks_like_a_missing_one(bank: Platform, scene: Scene) -> None:
    query = "query ($id: ID!) { account(id: $id) { id balance owner { id } transactions { nodes { id } } } }"
    theirs = bank.graphql(query, scene.eve, {"id": scene.ada_account["id"]})
    missing = bank.graphql(query, scene.eve, {"id": values.new_object_id()})
    assert theirs == missing == {"data": {"account": None}}


def test_a_transaction_of_another_customer_looks_like_a_missing_one(bank: Platform, scene: Scene) -> None:
    query = f"query ($id: ID!) {{ transaction(id: $id) {{ {TRANSACTION_FIELDS} }} }}"
    theirs = bank.graphql(query, scene.eve, {"id": scene.transfer_id})
    missing = bank.graphql(query, scene.eve, {"id": values.new_object_id()})
    assert theirs == missing == {"data": {"transaction": None}}


def test_lists_have_only_data_of_the_caller(bank: Platform, scene: Scene) -> None:
    response = bank.graphql("{ accounts { nodes { id owner { id } } } transactions { nodes { id } } }", scene.eve)
    assert {node["owner"]["id"] for node in response["data"]["accounts"]["nodes"]} == {scene.eve.id}
    assert scene.transfer_id not in {node["id"] for node in response["data"]["transactions"]["nodes"]}


def test_the_receiver_sees_the_counterparty_but_not_the_sender_s_account(bank: Platform, scene: Scene) -> None:
    query = f"query ($id: ID!) {{ transaction(id: $id) {{ {TRANSACTION_FIELDS} }} }}"
    seen = bank.graphql(query, scene.bob, {"id": scene.transfer_id})["data"]["transaction"]
    assert seen["source"] is None
    assert seen["destination"] == {"id": scene.bob_account["id"]}
    assert seen["counterparty"] == {
        "accountNumber": scene.ada_account["accountNumber"],
        "owner": {"id": scene.ada.id},
    }


def test_only_id_and_name_of_a_counterparty_resolve(bank: Platform, scene: Scene) -> None:
    query = """query ($id: ID!) { transaction(id: $id) { counterparty { owner {
        id name email roles createdAt accounts { nodes { id balance } } } } } }"""
    response = bank.graphql(query, scene.bob, {"id": scene.transfer_id})
    owner = response["data"]["transaction"]["counterparty"]["owner"]
    assert owner == {
        "id": scene.ada.id,
        "name": "Ada",
        "email": None,
        "roles": None,
        "createdAt": None,
        "accounts": None,
    }
    assert codes(response) == {"FORBIDDEN"}
    assert len(response["errors"]) == 4


def test_auth_service_returns_only_the_name_of_a_forged_user(bank: Platform, scene: Scene) -> None:
    response = entities(
        bank, "auth", [{"__typename": "User", "id": scene.ada.id, "email": "x"}], USER_FIELDS, scene.eve
    )
    assert response["data"]["_entities"] == [
        {"__typename": "User", "id": scene.ada.id, "name": "Ada", "email": None, "roles": None, "createdAt": None}
    ]
    assert codes(response) == {"FORBIDDEN"}


def test_account_service_returns_null_for_a_forged_account(bank: Platform, scene: Scene) -> None:
    representations = [
        {"__typename": "Account", "id": scene.ada_account["id"]},
        {"__typename": "Account", "accountNumber": scene.ada_account["accountNumber"]},
        {"__typename": "Account", "id": values.new_object_id()},
    ]
    response = entities(bank, "account", representations, ACCOUNT_FIELDS, scene.eve)
    assert response == {"data": {"_entities": [None, None, None]}}


def test_account_service_lists_no_accounts_for_a_forged_user(bank: Platform, scene: Scene) -> None:
    fields = "... on User { id accounts { nodes { id balance } totalCount } }"
    response = entities(bank, "account", [{"__typename": "User", "id": scene.ada.id}], fields, scene.eve)
    assert response["data"]["_entities"] == [{"__typename": "User", "id": scene.ada.id, "accounts": None}]
    assert codes(response) == {"FORBIDDEN"}


def test_transaction_service_treats_a_forged_account_like_a_missing_one(bank: Platform, scene: Scene) -> None:
    fields = "... on Account { transactions { nodes { id } totalCount } turnover { currency credited debited } }"
    theirs, missing = (
        entities(
            bank,
            "transaction",
            [{"__typename": "Account", "id": account_id, "currency": "EUR", "minorUnits": 2}],
            fields,
            scene.eve,
        )
        for account_id in (scene.ada_account["id"], values.new_object_id())
    )
    assert theirs == missing
    assert theirs["data"]["_entities"][0]["transactions"] == {"nodes": [], "totalCount": 0}


def test_transaction_service_returns_null_for_a_forged_transaction(bank: Platform, scene: Scene) -> None:
    representations = [
        {"__typename": "Transaction", "id": scene.transfer_id},
        {"__typename": "Transaction", "id": values.new_object_id()},
    ]
    fields = f"... on Transaction {{ {TRANSACTION_FIELDS} }}"
    response = entities(bank, "transaction", representations, fields, scene.eve)
    assert response == {"data": {"_entities": [None, None]}}


@pytest.mark.parametrize(
    ("subgraph", "typename", "fields"),
    [
        ("auth", "User", USER_FIELDS),
        ("account", "Account", ACCOUNT_FIELDS),
        ("account", "User", "... on User { accounts { nodes { id } } }"),
        ("transaction", "Account", "... on Account { transactions { nodes { id } } }"),
        ("transaction", "Transaction", f"... on Transaction {{ {TRANSACTION_FIELDS} }}"),
    ],
)
def test_without_a_token_no_entity_has_data(
    bank: Platform, scene: Scene, subgraph: str, typename: str, fields: str
) -> None:
    known = {"User": scene.ada.id, "Account": scene.ada_account["id"], "Transaction": scene.transfer_id}[typename]
    response = entities(bank, subgraph, [{"__typename": typename, "id": known}], fields, None)
    assert codes(response) == {"UNAUTHENTICATED"}
    (entity,) = response["data"]["_entities"]
    assert entity is None or set(entity.values()) <= {None, typename}


@pytest.mark.parametrize(
    "query", ["{ me { id } }", "{ accounts { nodes { id } } }", "{ transactions { nodes { id } } }"]
)
@pytest.mark.parametrize("token", [None, "not-a-token", "tampered"])
def test_without_a_valid_token_no_field_has_data(bank: Platform, scene: Scene, query: str, token: str | None) -> None:
    headers = {"accept": "application/graphql-response+json"}
    if token == "tampered":
        head, payload, _ = scene.ada.access_token.split(".")
        token = ".".join((head, payload, secrets.token_urlsafe(64)))
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    response = bank.client.post(bank.router_url, json={"query": query}, headers=headers).json()
    assert set(response["data"].values()) == {None}
    assert codes(response) == {"UNAUTHENTICATED"}


def test_the_internal_postings_refuse_a_customer_s_token(bank: Platform, scene: Scene) -> None:
    base = bank.subgraph_url("account").removesuffix("/graphql")
    for path in ("/internal/postings", "/internal/parties"):
        for headers in ({}, scene.ada.headers):
            assert bank.client.post(base + path, json={}, headers=headers).status_code == 401


def test_money_of_another_customer_cannot_be_moved(bank: Platform, scene: Scene) -> None:
    mine = bank.call("GET", "/api/accounts", scene.eve)["data"][0]
    for source in (scene.ada_account["id"], values.new_object_id()):
        response = bank.client.post(
            f"{bank.rest_url}/api/transactions/transfer",
            json={
                "sourceAccountId": source,
                "destinationAccountId": mine["id"],
                "amount": "5.00",
                "currency": "EUR",
            },
            headers=scene.eve.headers,
        )
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "INVALID_ACCOUNT"


def test_logout_takes_effect_in_every_process_at_once(bank: Platform) -> None:
    person = bank.register("Gone")
    account = bank.open_account(person)
    assert bank.client.delete(f"{bank.rest_url}/api/auth/logout", headers=person.headers).status_code == 204
    assert codes(bank.graphql("{ me { id } }", person)) == {"UNAUTHENTICATED"}
    for subgraph, query in (("auth", "{ me { id } }"), ("account", f'{{ account(id: "{account["id"]}") {{ id }} }}')):
        assert codes(bank.graphql(query, person, url=bank.subgraph_url(subgraph))) == {"UNAUTHENTICATED"}
    refresh = bank.client.post(f"{bank.rest_url}/api/auth/refresh", json={"refreshToken": person.refresh_token})
    assert refresh.status_code == 401
