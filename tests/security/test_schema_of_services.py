"""In production, the ports of the services show nothing of their schemas; in development they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import get_introspection_query

from tests.subgraphs.bank import open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_QUERIES = {
    "introspection": get_introspection_query(),
    "one type": '{ __type(name: "Account") { fields { name } } }',
    "alias": '{ harmless: __type(name: "Account") { name } }',
    "fragment": "{ ...F } fragment F on Query { ... { __schema { queryType { name } } } }",
    "SDL": "{ _service { sdl } }",
    "SDL below an alias": "{ a: _service { b: sdl } }",
    "in an operation that is not executed": "query A { __typename } query B { _service { sdl } }",
}

# Messages of graphql-core name parts of the schema that the client did not send.
WRONG_INPUT = {
    "field of an input that is missing": ("mutation { transfer(input: {}) { __typename } }", {}),
    "unknown field of an input": ("mutation { transfer(input: {amont: 1}) { __typename } }", {}),
    "variable": ("mutation ($i: TransferInput!) { transfer(input: $i) { __typename } }", {"i": {"amont": "1"}}),
    "argument that is missing": ("{ transaction { id } }", {}),
    "name with a typing error": ("{ transacton { id } }", {}),
    "value of an enum": ("{ transactions(filter: {type: [TRANSFR]}) { totalCount } }", {}),
    "leaf without a selection": ("{ transactions }", {}),
    "impossible fragment": ("{ transactions { ... on Account { id } } }", {}),
}
NAMES = ("amount", "idempotencyKey", "TRANSFER", "ID!", "TransactionConnection", "transaction'", "Did you mean")


@pytest.mark.parametrize("name", SCHEMA_QUERIES)
@pytest.mark.parametrize("environment", ["production", "development"])
async def test_the_schema_is_shown_in_development_only(tmp_path: Path, name: str, environment: str) -> None:
    async with open_bank(tmp_path, MOSAFE_ENV=environment) as bank:
        for http in (bank.accounts, bank.transactions):
            client = GraphQLClient(http, bank.ann.token)
            body = {"query": SCHEMA_QUERIES[name], "operationName": "A" if "query A" in SCHEMA_QUERIES[name] else None}
            response = (await client.http.post("/graphql", json=body)).json()
            if environment == "development":
                assert "errors" not in response
            else:
                assert {error["extensions"]["code"] for error in response["errors"]} == {"INTROSPECTION_DISABLED"}
                assert "data" not in response


@pytest.mark.parametrize("name", WRONG_INPUT)
async def test_messages_name_nothing_that_the_client_did_not_send(tmp_path: Path, name: str) -> None:
    document, variables = WRONG_INPUT[name]
    async with open_bank(tmp_path, MOSAFE_ENV="production") as bank:
        response = await GraphQLClient(bank.transactions, bank.ann.token).execute(document, variables)
    assert response.status == 400
    for error in response.errors:
        assert [word for word in NAMES if word in error["message"]] == [], error["message"]


async def test_messages_help_in_development(tmp_path: Path) -> None:
    async with open_bank(tmp_path, MOSAFE_ENV="development") as bank:
        response = await GraphQLClient(bank.transactions, bank.ann.token).execute("{ transacton { id } }")
    assert "Did you mean 'transaction'" in response.errors[0]["message"]
