"""The account service in-process, with its real store, and people with real access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from bank.identity import CUSTOMER, SUPPORT
from bank.service_credential import ACCOUNT_INTERNAL, ServiceCredential
from bank.values import new_object_id, new_user_id
from servicekit.settings import load
from subgraphs.account.app import create_app
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.mongo_cache_epochs import CACHE_EPOCHS
from subgraphs.account.store.mongo_schema import (
    ACCOUNTS,
    CUSTOMERS,
    ENTRIES,
    EXPORTS,
    HOLDS,
    KEYS,
    PARTS,
    POSTINGS,
)
from subgraphs.kit.mongo_readers import DEAD_LETTERS, READERS
from subgraphs.kit.mongo_store import KNOWN_STORES, OUTBOX, SEQUENCES
from tests.subgraphs.account.support import mongo_factory
from tests.subgraphs.support import GraphQLClient, Issuer, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    import httpx
    from pymongo.database import Database

    from mosafe.local_servers.mongod import Mongod
    from tests.subgraphs.account.support import StoreFactory

OPEN = """mutation ($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on OpenAccountSuccess { account { id accountNumber version } } ... on LimitReached { code message limit } } }"""


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an access token."""

    token: str
    id: str
    roles: tuple[str, ...] = (CUSTOMER,)

    def on_behalf_of(self) -> dict[str, object]:
        return {"userId": self.id, "roles": list(self.roles)}


@dataclass
class Service:
    """The running service, for people and for the transaction service."""

    http: httpx.AsyncClient
    issuer: Issuer
    settings: AccountSettings
    credential: ServiceCredential
    ann: Person = field(init=False)
    bob: Person = field(init=False)
    staff: Person = field(init=False)

    def __post_init__(self) -> None:
        self.ann, self.bob, self.staff = self.person(), self.person(), self.person(SUPPORT)

    def person(self, *roles: str) -> Person:
        user_id = new_user_id()
        return Person(self.issuer.token(user_id, *roles), user_id, roles or (CUSTOMER,))

    def as_(self, person: Person | None) -> GraphQLClient:
        return GraphQLClient(self.http, person.token if person else None)

    async def open(self, owner: Person, currency: str = "USD", type_: str = "CHECKING") -> dict[str, Any]:
        data = (await self.as_(owner).execute(OPEN, {"input": {"type": type_, "currency": currency}})).ok()
        account: dict[str, Any] = data["openAccount"]["account"]
        return account

    async def internal(
        self, path: str, body: Mapping[str, object], *, authorization: str | None = ""
    ) -> httpx.Response:
        """Call `/internal/<path>`, by default with the transaction service's credential."""
        if authorization == "":
            authorization = self.credential.authorization(service="transaction", audience=ACCOUNT_INTERNAL)
        headers = {"authorization": authorization} if authorization is not None else {}
        return await self.http.post(f"/internal/{path}", json=body, headers=headers)

    async def deposit(self, owner: Person, account_id: str, amount: str, currency: str = "USD") -> None:
        response = await self.internal("postings", deposit_body(owner, account_id, amount, currency))
        assert response.json()["outcome"] == "POSTED", response.text


def deposit_body(owner: Person, account_id: str, amount: str, currency: str = "USD") -> dict[str, Any]:
    return {
        "transactionId": new_object_id(),
        "onBehalfOf": owner.on_behalf_of(),
        "type": "DEPOSIT",
        "amount": amount,
        "currency": currency,
        "entries": [
            {"account": {"internal": "DEPOSITS"}, "amount": f"-{amount}"},
            {"account": {"accountId": account_id}, "amount": amount},
        ],
    }


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    async with issuer.published():
        yield issuer


@pytest.fixture
def environment() -> dict[str, str]:
    """Environment variables that a test adds to those of the fixture."""
    return {}


@pytest.fixture
async def service(tmp_path: Path, issuer: Issuer, environment: dict[str, str]) -> AsyncIterator[Service]:
    variables = {"MOSAFE_DATA_DIR": str(tmp_path), **issuer.environment(), **environment}
    settings = load(AccountSettings, variables)
    async with running(create_app(settings)) as http:
        yield Service(http, issuer, settings, ServiceCredential.load(settings))


_EMPTIED = (
    ACCOUNTS,
    CUSTOMERS,
    ENTRIES,
    HOLDS,
    KEYS,
    POSTINGS,
    KNOWN_STORES,
    OUTBOX,
    READERS,
    DEAD_LETTERS,
    EXPORTS,
    PARTS,
)


@pytest.fixture(scope="session")
def accounts_url(mongod: Mongod) -> str:
    """A migrated database that the tests of a worker share. Each test finds it empty."""
    return mongod.url("accounts")


@pytest.fixture
def mongo_database(accounts_url: str) -> Iterator[MongoClient[dict[str, object]]]:
    """A client of the database; the database is empty, except for the identity of the store."""
    client: MongoClient[dict[str, object]]
    with MongoClient(accounts_url) as client:
        database: Database[dict[str, object]] = client.get_default_database()
        for name in _EMPTIED:
            database[name].delete_many({})
        database[SEQUENCES].update_many({}, {"$set": {"last": 0}})
        database[CACHE_EPOCHS].update_many({}, {"$set": {"suspendedUntil": datetime.fromtimestamp(0, UTC)}})
        yield client


@pytest.fixture
def mongo_stores(accounts_url: str, mongo_database: object) -> StoreFactory:
    """Opens a store on the empty database."""
    _ = mongo_database
    return mongo_factory(accounts_url)
