"""The operations of the account subgraph, used by the owner of accounts.

Covers `subgraphs/account/schema.py`, `subgraphs/account/mutations.py`, `subgraphs/account/app.py` and
`subgraphs/account/problems.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from bank.values import is_object_id, parse_timestamp
from tests.subgraphs.account.account_numbers import is_account_number
from tests.subgraphs.account.conftest import OPEN, Service

ACCOUNT = """query ($id: ID!) { account(id: $id) { id accountNumber balance available held balanceAsOf currency
  minorUnits status type owner { id } version createdAt updatedAt } }"""
LIST = """query ($filter: AccountFilter, $first: Int, $after: String, $last: Int, $before: String) {
  accounts(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
UPDATE = """mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { __typename
  ... on UpdateAccountSuccess { account { type status version } }
  ... on Problem { code message } ... on InvalidAccount { accountId reason }
  ... on VersionConflict { expectedVersion currentVersion } } }"""
CLOSE = """mutation ($input: CloseAccountInput!) { closeAccount(input: $input) { __typename
  ... on CloseAccountSuccess { account { status version } }
  ... on Problem { code message } ... on InvalidAccount { accountId reason }
  ... on AccountNotEmpty { balance currency } ... on VersionConflict { expectedVersion currentVersion } } }"""


async def update(service: Service, person: Any, **given: object) -> Any:
    return (await service.as_(person).execute(UPDATE, {"input": given})).ok()["updateAccount"]


async def close(service: Service, person: Any, **given: object) -> Any:
    return (await service.as_(person).execute(CLOSE, {"input": given})).ok()["closeAccount"]


class TestOpening:
    async def test_a_new_account_has_every_field(self, service: Service) -> None:
        opened = await service.open(service.ann, "KWD", "BUSINESS")
        account = (await service.as_(service.ann).execute(ACCOUNT, {"id": opened["id"]})).ok()["account"]
        assert is_object_id(account.pop("id"))
        assert is_account_number(account.pop("accountNumber"))
        moments = {account.pop(name) for name in ("balanceAsOf", "createdAt", "updatedAt")}
        assert len(moments) == 1
        assert all(moment.endswith("Z") and parse_timestamp(moment) for moment in moments)
        assert account == {
            "balance": "0.000",
            "available": "0.000",
            "held": "0.000",
            "currency": "KWD",
            "minorUnits": 3,
            "status": "ACTIVE",
            "type": "BUSINESS",
            "owner": {"id": service.ann.id},
            "version": 1,
        }

    @pytest.mark.parametrize("environment", [{"ACCOUNT_MAX_PER_USER": "2"}])
    async def test_the_limit_counts_open_accounts_of_the_user(self, service: Service) -> None:
        first, _ = [await service.open(service.ann) for _ in range(2)]
        await service.open(service.bob)
        variables = {"input": {"type": "SAVINGS", "currency": "EUR"}}
        refused = (await service.as_(service.ann).execute(OPEN, variables)).ok()["openAccount"]
        assert (refused["__typename"], refused["code"], refused["limit"]) == ("LimitReached", "LIMIT_REACHED", 2)
        await close(service, service.ann, id=first["id"])
        await service.open(service.ann)

    @pytest.mark.parametrize("currency", ["XXX", "usd", "", "EURO", 1])
    async def test_an_unknown_currency_is_bad_input(self, service: Service, currency: object) -> None:
        response = await service.as_(service.ann).execute(OPEN, {"input": {"type": "SAVINGS", "currency": currency}})
        assert (response.data, response.codes) == (None, ["BAD_USER_INPUT"])


class TestLists:
    async def test_pages_forwards_and_backwards(self, service: Service) -> None:
        client = service.as_(service.ann)
        ids = [(await service.open(service.ann))["id"] for _ in range(5)]
        page = (await client.execute(LIST, {"first": 2})).ok()["accounts"]
        assert [node["id"] for node in page["nodes"]] == ids[:2] == [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == 5
        assert page["pageInfo"]["hasNextPage"] is True
        assert page["pageInfo"]["hasPreviousPage"] is False
        page = (await client.execute(LIST, {"first": 9, "after": page["pageInfo"]["endCursor"]})).ok()["accounts"]
        assert [node["id"] for node in page["nodes"]] == ids[2:]
        assert page["pageInfo"]["hasNextPage"] is False
        page = (await client.execute(LIST, {"last": 2, "before": page["pageInfo"]["startCursor"]})).ok()["accounts"]
        assert [node["id"] for node in page["nodes"]] == ids[:2]

    async def test_closed_accounts_are_listed_on_request(self, service: Service) -> None:
        client = service.as_(service.ann)
        kept, closed = [(await service.open(service.ann))["id"] for _ in range(2)]
        await close(service, service.ann, id=closed)

        async def ids(wanted: object) -> list[str]:
            page = (await client.execute(LIST, {"filter": wanted})).ok()["accounts"]
            assert page["totalCount"] == len(page["nodes"])
            return [node["id"] for node in page["nodes"]]

        assert await ids(None) == await ids({}) == await ids({"status": None}) == [kept]
        assert await ids({"status": ["CLOSED"]}) == [closed]
        assert await ids({"status": ["ACTIVE", "CLOSED"], "currency": ["USD"], "type": ["CHECKING"]}) == [kept, closed]
        assert await ids({"currency": ["EUR"]}) == []
        account = (await client.execute(ACCOUNT, {"id": closed})).ok()["account"]
        assert account["status"] == "CLOSED"

    async def test_customers_see_their_own_and_staff_see_all(self, service: Service) -> None:
        anns, bobs = (await service.open(service.ann))["id"], (await service.open(service.bob))["id"]
        for person, expected in ((service.ann, [anns]), (service.bob, [bobs]), (service.staff, [anns, bobs])):
            page = (await service.as_(person).execute(LIST)).ok()["accounts"]
            assert [node["id"] for node in page["nodes"]] == expected
            assert page["totalCount"] == len(expected)

    @pytest.mark.parametrize(
        "arguments",
        [{"first": 101}, {"first": -1}, {"first": 1, "last": 1}, {"after": "forged"}, {"before": "%"}, {"after": ""}],
    )
    async def test_impossible_pages_are_bad_input(self, service: Service, arguments: dict[str, object]) -> None:
        response = await service.as_(service.ann).execute(LIST, arguments)
        assert (response.data, response.codes) == ({"accounts": None}, ["BAD_USER_INPUT"])


class TestUpdating:
    async def test_the_owner_changes_the_type(self, service: Service) -> None:
        account = await service.open(service.ann)
        response = await update(service, service.ann, id=account["id"], type="SAVINGS", expectedVersion=1)
        assert response["account"] == {"type": "SAVINGS", "status": "ACTIVE", "version": 2}
        response = await update(service, service.ann, id=account["id"], type="CHECKING", expectedVersion=1)
        assert response == {
            "__typename": "VersionConflict",
            "code": "CONFLICT",
            "message": "The account has changed since it was read",
            "expectedVersion": 1,
            "currentVersion": 2,
        }

    async def test_only_staff_freeze_an_account(self, service: Service) -> None:
        account = await service.open(service.ann)
        response = await update(service, service.staff, id=account["id"], status="FROZEN")
        assert response["account"] == {"type": "CHECKING", "status": "FROZEN", "version": 2}
        response = await update(service, service.ann, id=account["id"], type="SAVINGS")
        assert (response["__typename"], response["code"]) == ("StateConflict", "CONFLICT")
        for status in ("FROZEN", "ACTIVE"):
            variables = {"input": {"id": account["id"], "status": status}}
            refused = await service.as_(service.ann).execute(UPDATE, variables)
            assert (refused.data, refused.codes) == ({"updateAccount": None}, ["FORBIDDEN"])
        response = await update(service, service.staff, id=account["id"], status="ACTIVE")
        assert response["account"]["version"] == 3

    @pytest.mark.parametrize(
        ("given", "path"), [({"status": "CLOSED"}, ["input", "status"]), ({"type": None}, ["input", "type"])]
    )
    async def test_an_empty_change_is_bad_input(
        self, service: Service, given: dict[str, object], path: list[str]
    ) -> None:
        account = await service.open(service.ann)
        response = await service.as_(service.staff).execute(UPDATE, {"input": {"id": account["id"], **given}})
        assert response.codes == ["BAD_USER_INPUT"]
        assert [problem["path"] for problem in response.errors[0]["extensions"]["fields"]] == [path]


class TestClosing:
    async def test_an_empty_account_is_closed_for_good(self, service: Service) -> None:
        account = await service.open(service.ann)
        response = await close(service, service.ann, id=account["id"], expectedVersion=1)
        assert response["account"] == {"status": "CLOSED", "version": 2}
        gone = {
            "__typename": "InvalidAccount",
            "code": "INVALID_ACCOUNT",
            "message": "Account not found",
            "accountId": account["id"],
            "reason": "Account has been closed",
        }
        assert await close(service, service.ann, id=account["id"]) == gone
        assert await update(service, service.ann, id=account["id"], type="SAVINGS") == gone
        assert await update(service, service.staff, id=account["id"], status="FROZEN") == gone

    async def test_an_account_with_money_stays_open(self, service: Service) -> None:
        account = await service.open(service.ann)
        await service.deposit(service.ann, account["id"], "10.00")
        response = await close(service, service.ann, id=account["id"])
        assert response["__typename"] == "AccountNotEmpty"
        assert (response["code"], response["balance"], response["currency"]) == ("ACCOUNT_NOT_EMPTY", "10.00", "USD")
        response = await close(service, service.ann, id=account["id"], expectedVersion=1)
        assert (response["__typename"], response["currentVersion"]) == ("VersionConflict", 2)


async def test_a_mutation_sees_the_effect_of_the_previous_one(service: Service) -> None:
    opened = await service.open(service.ann)
    document = """mutation ($id: ID!) {
      a: updateAccount(input: {id: $id, type: SAVINGS}) {
        ... on UpdateAccountSuccess { account { version type owner { accounts { nodes { version } } } } } }
      b: updateAccount(input: {id: $id, type: BUSINESS}) {
        ... on UpdateAccountSuccess { account { version type owner { accounts { nodes { version } } } } } } }"""
    data = (await service.as_(service.ann).execute(document, {"id": opened["id"]})).ok()
    for version, alias in enumerate("ab", start=2):
        account = data[alias]["account"]
        assert account["version"] == account["owner"]["accounts"]["nodes"][0]["version"] == version
