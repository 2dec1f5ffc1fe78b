"""A request leaves no reference cycles, so its memory is free as soon as the response is sent.

This holds for responses without `errors`: graphql-core's errors refer to themselves by their tracebacks.

Covers `subgraphs/account/loaders.py` and `subgraphs/auth/loaders.py`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bank.values import new_object_id
from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from tests.reference_cycles import reference_cycles
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.bank import TRANSACTION, open_bank
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PACKAGES = ("subgraphs.", "bank.", "servicekit.", "graphql.execution.", "strawberry.")
ACCOUNTS = """query { accounts { totalCount nodes { balance
  statement { openingBalance entries(first: 2) { nodes { amount } } } } } }"""
ACCOUNT = "query ($id: ID!) { account(id: $id) { balance } }"
LIST = f"query {{ transactions(first: 20) {{ totalCount nodes {{ {TRANSACTION} }} }} }}"
ME = "query { me { id email } }"


async def test_requests_of_the_account_and_the_transaction_service(tmp_path: Path) -> None:
    async with open_bank(tmp_path) as bank:
        source, destination = await bank.open(bank.ann, "25.00"), await bank.open(bank.bob)
        accounts = GraphQLClient(bank.accounts, bank.ann.token)
        order = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"]}

        async def send_each_kind() -> None:
            paid = await bank.order(bank.ann, "transfer", **order, amount="1.00")
            assert paid["transaction"]["status"] == "COMPLETED"
            refused = await bank.order(bank.ann, "transfer", **order, amount="99.00")
            assert refused["code"] == "INSUFFICIENT_FUNDS"
            assert (await bank.as_(bank.ann).execute(LIST)).ok()["transactions"]["nodes"]
            assert (await accounts.execute(ACCOUNTS)).ok()["accounts"]["totalCount"] == 1
            assert (await accounts.execute(ACCOUNT, {"id": new_object_id()})).ok() == {"account": None}

        await send_each_kind()  # the first requests fill caches
        with reference_cycles(*PACKAGES) as left:
            await send_each_kind()
        assert left == {}


async def test_requests_of_the_auth_service(tmp_path: Path) -> None:
    async with _auth(tmp_path) as auth:
        session = await auth.sign_up()

        async def send_each_kind() -> None:
            assert (await auth.bearing(session["accessToken"]).execute(ME)).ok()["me"]["id"] == session["user"]["id"]
            refused = await auth.mutate("login", email="ann@example.com", password="not the password")
            assert refused.ok()["login"]["code"] == "INVALID_CREDENTIALS"

        await send_each_kind()
        with reference_cycles(*PACKAGES) as left:
            await send_each_kind()
        assert left == {}


@asynccontextmanager
async def _auth(folder: Path) -> AsyncIterator[Auth]:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(folder), "SUBGRAPH_SIGNATURES": "off"}
    async with running(create_app(load(AuthSettings, environ))) as http:
        yield Auth(GraphQLClient(http))
