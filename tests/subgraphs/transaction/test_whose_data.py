"""Who sees which transaction, on every path and with forged representations (bank §2.2).

Covers `subgraphs/transaction/graphql_types.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bank.values import new_object_id
from tests.subgraphs.bank import TRANSACTION

if TYPE_CHECKING:
    from tests.subgraphs.bank import Bank, Person

GET = f"query ($id: ID!) {{ transaction(id: $id) {{ {TRANSACTION} }} }}"
LIST = f"{{ transactions {{ totalCount nodes {{ {TRANSACTION} }} }} }}"
HISTORY = f"""... on Account {{ id transactions {{ totalCount nodes {{ {TRANSACTION} }} }}
  turnover {{ currency credited debited }} }}"""


class Scene:
    """Ann paid Bob; one more transfer is pending, one has failed. Cyd is not involved."""

    bank: Bank
    ann: dict[str, Any]
    bob: dict[str, Any]
    completed: str
    pending: str
    failed: str

    @classmethod
    async def of(cls, bank: Bank) -> Scene:
        scene = cls()
        scene.bank = bank
        scene.ann, scene.bob = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        given = {"sourceAccountId": scene.ann["id"], "destinationAccountId": scene.bob["id"]}
        scene.completed = (await bank.order(bank.ann, "transfer", **given))["transaction"]["id"]
        bank.transport.lose_requests = ["/internal/postings"]
        scene.pending = (await bank.order(bank.ann, "transfer", **given, amount="1.00"))["transaction"]["id"]
        await bank.order(bank.ann, "transfer", **given, amount="99.00")
        scene.failed = (await scene.listed(bank.ann))[0]["id"]
        return scene

    async def listed(self, person: Person) -> list[dict[str, Any]]:
        data = (await self.bank.as_(person).execute(LIST)).ok()["transactions"]
        assert data["totalCount"] == len(data["nodes"])
        nodes: list[dict[str, Any]] = data["nodes"]
        return nodes

    async def seen(self, person: Person, transaction_id: str) -> dict[str, Any] | None:
        """The transaction as `person` sees it; equal by id and by representation."""
        client = self.bank.as_(person)
        by_id: dict[str, Any] | None = (await client.execute(GET, {"id": transaction_id})).ok()["transaction"]
        claim = {"__typename": "Transaction", "id": transaction_id, "amount": "1.00", "status": "COMPLETED"}
        (entity,) = (await client.entities(f"... on Transaction {{ {TRANSACTION} }}", [claim])).ok()["_entities"]
        assert entity == (by_id and {"__typename": "Transaction", **by_id})
        return by_id

    async def history(self, person: Person, account: dict[str, Any], **claims: object) -> dict[str, Any]:
        claim = {"__typename": "Account", "id": account["id"], "currency": "USD", "minorUnits": 2, **claims}
        (entity,) = (await self.bank.as_(person).entities(HISTORY, [claim])).ok()["_entities"]
        found: dict[str, Any] = entity
        return found


@pytest.fixture
async def scene(bank: Bank) -> Scene:
    return await Scene.of(bank)


async def test_the_sender_sees_every_status(scene: Scene) -> None:
    bank = scene.bank
    statuses = [node["status"] for node in await scene.listed(bank.ann)]
    assert statuses == ["FAILED", "PENDING", "COMPLETED", "COMPLETED"]
    for transaction_id in (scene.completed, scene.pending, scene.failed):
        assert await scene.seen(bank.ann, transaction_id)
    history = await scene.history(bank.ann, scene.ann)
    assert [node["status"] for node in history["transactions"]["nodes"]] == statuses
    assert history["turnover"] == {"currency": "USD", "credited": "25.00", "debited": "10.00"}


async def test_the_receiver_sees_settled_transactions_only(scene: Scene) -> None:
    bank = scene.bank
    assert [node["id"] for node in await scene.listed(bank.bob)] == [scene.completed]
    assert await scene.seen(bank.bob, scene.pending) is None
    assert await scene.seen(bank.bob, scene.failed) is None
    history = await scene.history(bank.bob, scene.bob)
    assert [node["id"] for node in history["transactions"]["nodes"]] == [scene.completed]
    assert history["turnover"] == {"currency": "USD", "credited": "10.00", "debited": "0.00"}


async def test_the_receiver_never_learns_the_senders_account_id(scene: Scene) -> None:
    seen = await scene.seen(scene.bank.bob, scene.completed)
    assert scene.ann["id"] not in repr(seen)


async def test_the_sender_never_learns_the_receivers_account_id(scene: Scene) -> None:
    bank = scene.bank
    response = await bank.order(
        bank.ann,
        "transfer",
        sourceAccountId=scene.ann["id"],
        destinationAccountNumber=scene.bob["accountNumber"],
        amount="1.00",
    )
    assert response["transaction"]["status"] == "COMPLETED"
    assert scene.bob["id"] not in repr([response, await scene.listed(bank.ann)])


async def test_the_sender_sees_nothing_of_the_receiver_until_the_money_has_moved(scene: Scene) -> None:
    for transaction_id in (scene.pending, scene.failed):
        seen = await scene.seen(scene.bank.ann, transaction_id)
        assert seen is not None
        assert (seen["destination"], seen["counterparty"]) == (None, None)
        assert scene.bank.bob.id not in repr(seen)


async def test_a_transaction_of_others_looks_like_a_missing_one(scene: Scene) -> None:
    cyd = scene.bank.person()
    assert await scene.listed(cyd) == []
    for transaction_id in (scene.completed, scene.pending, scene.failed, new_object_id()):
        assert await scene.seen(cyd, transaction_id) is None
    nothing = {
        "transactions": {"totalCount": 0, "nodes": []},
        "turnover": {"currency": "USD", "credited": "0.00", "debited": "0.00"},
    }
    for account in (scene.ann, scene.bob, {"id": new_object_id()}):
        for claims in ({}, {"accountNumber": scene.ann["accountNumber"]}, {"owner": {"id": cyd.id}, "userId": cyd.id}):
            found = await scene.history(cyd, account, **claims)
            assert found == {"__typename": "Account", "id": account["id"], **nothing}


async def test_the_two_sides_see_nothing_of_each_others_account(scene: Scene) -> None:
    bank = scene.bank
    for person, account in ((bank.ann, scene.bob), (bank.bob, scene.ann)):
        history = await scene.history(person, account)
        assert history["transactions"] == {"totalCount": 0, "nodes": []}
        assert {history["turnover"][side] for side in ("credited", "debited")} == {"0.00"}


async def test_staff_see_all(scene: Scene) -> None:
    staff = scene.bank.staff
    assert len(await scene.listed(staff)) == 4
    seen = await scene.seen(staff, scene.completed)
    assert seen is not None
    assert (seen["source"]["id"], seen["destination"]["id"]) == (scene.ann["id"], scene.bob["id"])
    assert len((await scene.history(staff, scene.bob))["transactions"]["nodes"]) == 3


async def test_without_a_token_nothing_is_shown(scene: Scene) -> None:
    client = scene.bank.as_(None)
    for response in (
        await client.execute(GET, {"id": scene.completed}),
        await client.execute(LIST),
        await client.entities("... on Transaction { amount }", [{"__typename": "Transaction", "id": scene.completed}]),
        await client.entities("... on Account { id }", [{"__typename": "Account", "id": scene.ann["id"]}]),
    ):
        assert response.codes == ["UNAUTHENTICATED"]
        assert not any((response.data or {}).values()) or response.data == {"_entities": [None]}


async def test_a_malformed_representation_does_not_affect_the_others(scene: Scene) -> None:
    response = await scene.bank.as_(scene.bank.ann).entities(
        "... on Transaction { id }",
        [
            {"__typename": "Transaction", "id": scene.completed},
            {"__typename": "Transaction"},
            {"__typename": "Transaction", "id": 7},
            {"__typename": "User", "id": scene.bank.bob.id},
            {"__typename": "Account", "id": "nonsense"},
            {"__typename": "Transaction", "id": "nonsense"},
        ],
    )
    assert response.data["_entities"] == [{"__typename": "Transaction", "id": scene.completed}, *[None] * 5]
    assert {(error["path"][1], error["extensions"]["code"]) for error in response.errors} == {
        (index, "BAD_USER_INPUT") for index in (1, 2, 3)
    }


async def test_turnover_needs_what_it_requires(bank: Bank) -> None:
    for claims in ({"minorUnits": None}, {"minorUnits": 99}, {"minorUnits": "2"}, {"currency": 1}):
        claim = {"__typename": "Account", "id": new_object_id(), "currency": "USD", "minorUnits": 2, **claims}
        response = await bank.as_(bank.ann).entities("... on Account { turnover { credited } }", [claim])
        assert response.codes == ["BAD_USER_INPUT"]
