"""Account and transaction service together in one process, with real stores, real postings and real tokens.

A test can break the transport between them: it loses requests or responses, or delays calls.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx

from bank.identity import CUSTOMER, SUPPORT
from bank.values import new_user_id
from mosafe.in_process_client import HttpxServiceClient
from servicekit.settings import load
from subgraphs.account import app as account_app
from subgraphs.account.settings import AccountSettings
from subgraphs.transaction import app as transaction_app
from subgraphs.transaction.app import ExternalParts
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.settings import TransactionSettings
from tests.subgraphs.support import GraphQLClient, Issuer, Pauses, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from servicekit.asgi import ASGIApp
    from subgraphs.transaction.payment_provider import PaymentProvider

PROBLEM_FACTS = """__typename ... on Problem { code message }
  ... on InsufficientFunds { available requested currency } ... on CurrencyMismatch { accountCurrency }
  ... on AccountFrozen { frozen: accountId }
  ... on AmountLimitExceeded { kind limit remaining currency resetsAt } ... on InvalidAccount { accountId reason }"""
TRANSACTION = f"""id amount currency type status payee metadata createdAt updatedAt
  source {{ id accountNumber }} destination {{ id accountNumber }}
  requestedBy {{ id }} counterparty {{ accountNumber owner {{ id }} }} problem {{ {PROBLEM_FACTS} }}"""
_OPEN = """mutation ($input: OpenAccountInput!) { openAccount(input: $input) {
  ... on OpenAccountSuccess { account { id accountNumber currency } } } }"""
_BALANCE = "query ($id: ID!) { account(id: $id) { balance } }"
_UPDATE = "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { __typename } }"
_CLOSE = "mutation ($input: CloseAccountInput!) { closeAccount(input: $input) { __typename } }"

POSTINGS = "/internal/postings"

_keys = count(1)


def mutation(name: str) -> str:
    """The document of a money mutation; its input is `$input`, its selection has every field."""
    input_type = name[0].upper() + name[1:] + "Input!"
    facts = PROBLEM_FACTS if name in {"transfer", "withdraw", "pay"} else _WITHOUT_FUNDS
    return f"""mutation ($input: {input_type}) {{ {name}(input: $input) {{
      ... on TransactionSuccess {{ replayed transaction {{ {TRANSACTION} }} }} {facts} }} }}"""


# A deposit has no InsufficientFunds, and a document must not select an impossible type.
_WITHOUT_FUNDS = PROBLEM_FACTS.replace("... on InsufficientFunds { available requested currency } ", "")


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    token: str


@dataclass
class FaultyTransport(httpx.AsyncBaseTransport):
    """The transport to the account service.

    Attributes:
        lose_requests: paths whose next calls never arrive, one entry for each call.
        lose_responses: paths whose next calls arrive but whose responses are lost.
        calls: paths of all calls.
        gate: postings wait for it before they are sent; open at first.
        waiting: set once a posting waits at the gate.
    """

    destination: httpx.AsyncBaseTransport
    lose_requests: list[str] = field(default_factory=list)
    lose_responses: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.calls.append(path)
        if path == POSTINGS:
            self.waiting.set()
            await self.gate.wait()
        if path in self.lose_requests:
            self.lose_requests.remove(path)
            raise httpx.ConnectError("connection refused", request=request)
        response = await self.destination.handle_async_request(request)
        if path in self.lose_responses:
            self.lose_responses.remove(path)
            raise httpx.ReadTimeout("no response", request=request)
        return response


@dataclass
class Bank:
    """The running services. `transactions` is the transaction service's current client; `apps` has the first apps."""

    issuer: Issuer
    settings: TransactionSettings
    accounts: httpx.AsyncClient
    transactions: httpx.AsyncClient
    transport: FaultyTransport
    pauses: Pauses
    apps: Mapping[str, ASGIApp]
    ann: Person = field(init=False)
    bob: Person = field(init=False)
    staff: Person = field(init=False)

    def __post_init__(self) -> None:
        self.ann, self.bob, self.staff = self.person(), self.person(), self.person(SUPPORT)

    def person(self, *roles: str) -> Person:
        user_id = new_user_id()
        return Person(user_id, self.issuer.token(user_id, *(roles or (CUSTOMER,))))

    def as_(self, person: Person | None) -> GraphQLClient:
        return GraphQLClient(self.transactions, person.token if person else None)

    async def open(self, owner: Person, balance: str | None = None, currency: str = "USD") -> dict[str, Any]:
        """A new account, with `balance` deposited."""
        client = GraphQLClient(self.accounts, owner.token)
        opened = (await client.execute(_OPEN, {"input": {"type": "CHECKING", "currency": currency}})).ok()
        account: dict[str, Any] = opened["openAccount"]["account"]
        if balance is not None:
            result = await self.order(
                owner, "deposit", destinationAccountId=account["id"], amount=balance, currency=currency
            )
            assert result["transaction"]["status"] == "COMPLETED"
        return account

    async def order(self, person: Person, name: str, **given: object) -> Any:
        """The result of the mutation `name`, with a new key and 10.00 USD unless given."""
        order = {"amount": "10.00", "currency": "USD", "idempotencyKey": f"key-{next(_keys)}", **given}
        return (await self.as_(person).execute(mutation(name), {"input": order})).ok()[name]

    async def balance(self, owner: Person, account: dict[str, Any]) -> str:
        data = (await GraphQLClient(self.accounts, owner.token).execute(_BALANCE, {"id": account["id"]})).ok()
        balance: str = data["account"]["balance"]
        return balance

    async def freeze(self, account: dict[str, Any]) -> None:
        given = {"id": account["id"], "status": "FROZEN"}
        response = await GraphQLClient(self.accounts, self.staff.token).execute(_UPDATE, {"input": given})
        assert response.ok()["updateAccount"]["__typename"] == "UpdateAccountSuccess"

    async def close(self, owner: Person, account: dict[str, Any]) -> None:
        response = await GraphQLClient(self.accounts, owner.token).execute(_CLOSE, {"input": {"id": account["id"]}})
        assert response.ok()["closeAccount"]["__typename"] == "CloseAccountSuccess"

    @asynccontextmanager
    async def another_transaction_service(self) -> AsyncIterator[Pauses]:
        """A second process of the transaction service on the same data, as after a restart; clients use it.

        Yields when its first round of reconciliation is over.
        """
        pauses = Pauses()
        app = transaction_app.create_app(self.settings, ExternalParts(service_client(self.transport), wait=pauses.wait))
        before = self.transactions
        async with running(app) as self.transactions:
            await pauses.until_round_is_over()
            yield pauses
        self.transactions = before


def service_client(transport: httpx.AsyncBaseTransport) -> HttpxServiceClient:
    """A client of the account service without a socket."""
    return HttpxServiceClient(httpx.AsyncClient(transport=transport, base_url="http://account.test"))


@asynccontextmanager
async def open_bank(folder: Path, provider: PaymentProvider | None = None, **environment: str) -> AsyncIterator[Bank]:
    """The services with `environment` besides the variables that every test needs."""
    issuer, pauses = Issuer(), Pauses()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(issuer.published())
        variables = {"MOSAFE_DATA_DIR": str(folder), **issuer.environment(), **environment}
        ledger = account_app.create_app(load(AccountSettings, variables))
        accounts = await stack.enter_async_context(running(ledger))
        transport = FaultyTransport(httpx.ASGITransport(ledger))
        settings = load(TransactionSettings, variables)
        external = ExternalParts(service_client(transport), provider or SimulatedProvider(), pauses.wait)
        orders = transaction_app.create_app(settings, external)
        transactions = await stack.enter_async_context(running(orders))
        await pauses.until_round_is_over()
        apps = {"account": ledger, "transaction": orders}
        yield Bank(issuer, settings, accounts, transactions, transport, pauses, apps)
