"""Another customer's account looks missing, in every field and on every path (bank §2.2).

The tests use the subgraph's own port, where a client can send `_entities` with any representation.

Covers `subgraphs/account/graphql_types.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bank.identity import ADMIN
from bank.values import new_object_id, new_user_id
from tests.subgraphs.account.test_graphql import ACCOUNT, CLOSE, UPDATE

if TYPE_CHECKING:
    from tests.subgraphs.account.conftest import Person, Service

FIELDS = (
    "id accountNumber balance available held balanceAsOf currency minorUnits status type owner { id }"
    " version createdAt updatedAt"
)
ON_ACCOUNT = f"... on Account {{ {FIELDS} }}"
ON_USER = "... on User { id accounts { totalCount nodes { id } edges { node { id } } pageInfo { endCursor } } }"


@pytest.fixture
async def anns(service: Service) -> dict[str, Any]:
    """An account of Ann with money."""
    account = await service.open(service.ann)
    await service.deposit(service.ann, account["id"], "12.34")
    return account


def claims(account: dict[str, Any], person: Person) -> list[dict[str, object]]:
    """Representations of `account`: by each key, by both, and with fields that a router never sends."""
    by_id = {"__typename": "Account", "id": account["id"]}
    by_number = {"__typename": "Account", "accountNumber": account["accountNumber"]}
    forged = {"owner": {"id": person.id}, "userId": person.id, "balance": "0.00", "roles": ["ADMIN"]}
    return [by_id, by_number, by_id | by_number, by_id | forged, by_number | forged]


async def test_the_owner_and_staff_reach_an_account_by_either_key(service: Service, anns: dict[str, Any]) -> None:
    admin = service.person(ADMIN)
    for person in (service.ann, service.staff, admin):
        entities = (await service.as_(person).entities(ON_ACCOUNT, claims(anns, service.ann))).ok()["_entities"]
        assert {entity["id"] for entity in entities} == {anns["id"]}
        assert {entity["balance"] for entity in entities} == {"12.34"}
        assert {entity["owner"]["id"] for entity in entities} == {service.ann.id}


async def test_forged_representations_prove_nothing(service: Service, anns: dict[str, Any]) -> None:
    representations = claims(anns, service.bob)
    response = await service.as_(service.bob).entities(ON_ACCOUNT, representations)
    assert response.ok() == {"_entities": [None] * len(representations)}


async def test_a_foreign_account_gets_the_response_of_a_missing_one(service: Service, anns: dict[str, Any]) -> None:
    missing = {"id": new_object_id(), "accountNumber": "1234567897"}
    bob = service.as_(service.bob)

    async def responses_for(account: dict[str, Any]) -> list[Any]:
        found = [
            await bob.execute(ACCOUNT, {"id": account["id"]}),
            await bob.entities(ON_ACCOUNT, claims(account, service.bob)),
            await bob.execute(UPDATE, {"input": {"id": account["id"], "type": "SAVINGS", "expectedVersion": 9}}),
            await bob.execute(UPDATE, {"input": {"id": account["id"], "status": "FROZEN"}}),
            await bob.execute(CLOSE, {"input": {"id": account["id"], "expectedVersion": 9}}),
        ]
        text = [(response.status, repr(response.data), repr(response.errors)) for response in found]
        return [[part.replace(account["id"], "<id>") if isinstance(part, str) else part for part in t] for t in text]

    assert await responses_for(anns) == await responses_for(missing)
    await service.as_(service.staff).execute(UPDATE, {"input": {"id": anns["id"], "status": "FROZEN"}})
    assert await responses_for(anns) == await responses_for(missing)


async def test_a_closed_foreign_account_gets_the_response_of_a_missing_one(service: Service) -> None:
    account = await service.open(service.ann)
    await service.as_(service.ann).execute(CLOSE, {"input": {"id": account["id"]}})
    response = (await service.as_(service.bob).execute(CLOSE, {"input": {"id": account["id"]}})).ok()
    assert response["closeAccount"] == {
        "__typename": "InvalidAccount",
        "code": "INVALID_ACCOUNT",
        "message": "Account not found",
        "accountId": account["id"],
        "reason": None,
    }


async def test_another_users_accounts_are_forbidden(service: Service, anns: dict[str, Any]) -> None:
    _ = anns
    nobody = new_user_id()
    representations = [{"__typename": "User", "id": user_id} for user_id in (service.ann.id, nobody, service.bob.id)]
    response = await service.as_(service.bob).entities(ON_USER, representations)
    ann, stranger, bob = response.data["_entities"]
    assert ann == {"__typename": "User", "id": service.ann.id, "accounts": None}
    assert stranger == {"__typename": "User", "id": nobody, "accounts": None}
    assert bob["accounts"]["nodes"] == []
    assert response.codes == ["FORBIDDEN", "FORBIDDEN"]
    assert [error["path"] for error in response.errors] == [["_entities", 0, "accounts"], ["_entities", 1, "accounts"]]


async def test_staff_see_everyones_accounts(service: Service, anns: dict[str, Any]) -> None:
    representation = {"__typename": "User", "id": service.ann.id}
    data = (await service.as_(service.staff).entities(ON_USER, [representation])).ok()
    accounts = data["_entities"][0]["accounts"]
    assert accounts["totalCount"] == 1
    assert accounts["nodes"] == [{"id": anns["id"]}]


DOCUMENTS = (
    "{ account(id: $id) { id } }",
    "{ accounts { nodes { id } } }",
    "mutation { openAccount(input: {type: SAVINGS, currency: USD}) { __typename } }",
    "mutation { updateAccount(input: {id: $id, type: SAVINGS}) { __typename } }",
    "mutation { closeAccount(input: {id: $id}) { __typename } }",
    '{ _entities(representations: [{__typename: "Account", id: $id}]) { ... on Account { id } } }',
    '{ _entities(representations: [{__typename: "Account", accountNumber: $number}]) { ... on Account { id } } }',
    '{ _entities(representations: [{__typename: "User", id: $user}]) { ... on User { accounts { totalCount } } } }',
)


@pytest.mark.parametrize("kind", ["no token", "forged token", "service credential"])
async def test_without_a_users_token_nothing_is_shown(service: Service, anns: dict[str, Any], kind: str) -> None:
    tokens = {
        "no token": None,
        "forged token": type(service.issuer)().token(service.ann.id),
        "service credential": service.credential.authorization(service="x", audience="account-internal").split()[1],
    }
    client = service.as_(None).bearing(tokens[kind])
    for document in DOCUMENTS:
        text = document
        for name, value in (("$id", anns["id"]), ("$number", anns["accountNumber"]), ("$user", service.ann.id)):
            text = text.replace(name, f'"{value}"')
        response = await client.execute(text)
        assert (document, response.codes) == (document, ["UNAUTHENTICATED"])
        assert anns["id"] not in repr(response.data)


MALFORMED: tuple[object, ...] = (
    {"__typename": "Account"},
    {"__typename": "Account", "id": None},
    {"__typename": "Account", "id": 7},
    {"__typename": "Account", "accountNumber": ["1"]},
    {"__typename": "User", "id": {}},
    {"__typename": "AccountConnection", "id": "x"},
    {"__typename": "Nothing"},
    {},
    "Account",
)


async def test_a_malformed_representation_does_not_affect_the_others(service: Service, anns: dict[str, Any]) -> None:
    good = {"__typename": "Account", "id": anns["id"]}
    mixed = [part for bad in MALFORMED for part in (bad, good)]
    response = await service.as_(service.ann).entities(ON_ACCOUNT, mixed)  # type: ignore[arg-type] # malformed on purpose
    entities = response.data["_entities"]
    assert entities[::2] == [None] * len(MALFORMED)
    assert [entity["id"] for entity in entities[1::2]] == [anns["id"]] * len(MALFORMED)
    assert response.codes == ["BAD_USER_INPUT"] * len(MALFORMED)
    assert sorted(error["path"][1] for error in response.errors) == list(range(0, len(mixed), 2))


async def test_malformed_ids_are_missing(service: Service) -> None:
    client = service.as_(service.ann)
    for text in ("", "x", "0" * 24, "\x00", "'; DROP TABLE accounts", "9" * 5000):
        assert (await client.execute(ACCOUNT, {"id": text})).ok() == {"account": None}
        keys = (("Account", "id"), ("Account", "accountNumber"), ("User", "id"))
        response = await client.entities(ON_ACCOUNT, [{"__typename": kind, key: text} for kind, key in keys])
        assert response.ok() == {"_entities": [None, None, None]}


async def test_half_a_surrogate_pair_is_refused(service: Service) -> None:
    """JSON can escape it, but UTF-8 cannot encode it: a response with the id could not be sent."""
    headers = {"authorization": f"Bearer {service.ann.token}", "content-type": "application/json"}
    content = json.dumps({"query": CLOSE, "variables": {"input": {"id": "\ud800"}}})
    response = await service.http.post("/graphql", content=content, headers=headers)
    assert response.status_code == 400
    whole = json.dumps({"query": CLOSE, "variables": {"input": {"id": "\U0001f600"}}})
    response = await service.http.post("/graphql", content=whole, headers=headers)
    assert response.json()["data"]["closeAccount"]["accountId"] == "\U0001f600"
