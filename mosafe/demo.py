"""`mosafe up --demo`: creates people, accounts and a month of transactions.

The month is in the past, and no public operation writes past transactions. Therefore the services' own rules and stores
run in this process, before the real processes start, with a clock that is set to each day of the month in turn. The
orders of the transaction service reach the real postings of the account service without a socket. All rules apply: the
ledger balances, and the sandbox provider receives each deposit.
"""

from __future__ import annotations

import random
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import httpx
from fastapi import FastAPI

from bank import values
from bank.identity import CUSTOMER
from bank.service_credential import ServiceCredential
from servicekit.errors import StartupError
from servicekit.settings import load
from subgraphs.account.domain import Account, AccountType, Opening, open_account
from subgraphs.account.internal_api import internal_router
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import STORES as ACCOUNT_STORES
from subgraphs.auth.domain import Role, User
from subgraphs.auth.identity_service import NewUser, TakenEmail, create_user
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES as AUTH_STORES
from subgraphs.kit.store_factory import open_store
from subgraphs.transaction.domain import Order, Requester, TransactionType
from subgraphs.transaction.ledger_client import HttpLedger
from subgraphs.transaction.payment_provider import SandboxProvider
from subgraphs.transaction.saga import Orders
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.auth.store.protocol import AuthStore

DAYS: Final = 30
# The transactions are the same on every machine; only ids, account numbers and passwords differ.
SEED: Final = 2026
PASSWORD_BYTES: Final = 12
EUR: Final = "EUR"

PEOPLE: Final = (
    ("Ada Okafor", "ada@example.com", (Role.CUSTOMER,)),
    ("Bruno Keller", "bruno@example.com", (Role.CUSTOMER,)),
    ("Chiara Rossi", "chiara@example.com", (Role.CUSTOMER,)),
    ("Dev Patel", "dev@example.com", (Role.CUSTOMER,)),
    ("Sam Support", "support@example.com", (Role.CUSTOMER, Role.SUPPORT)),
    ("Ruth Root", "admin@example.com", (Role.CUSTOMER, Role.ADMIN)),
)
SHOPS: Final = ("Corner Bakery", "City Transport", "Green Grocer", "Power and Light", "Book Nook", "Rooftop Cinema")
NOTES: Final = ("rent", "dinner", "concert tickets", "groceries", "thanks!", "holiday fund")


@dataclass
class Calendar:
    """A clock that shows the time it was set to."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


@dataclass(frozen=True)
class Bank:
    """The stores and rules of the services, with one clock."""

    calendar: Calendar
    auth: AuthStore
    hasher: PasswordHasher
    accounts: AccountStore
    orders: Orders


@dataclass(frozen=True)
class Customer:
    user: User
    checking: Account
    savings: Account


async def fill(environ: Mapping[str, str]) -> str:
    """Write the demo data unless it exists; returns the message for the user, with the passwords.

    Raises:
        StartupError: a database cannot be opened.
    """
    async with AsyncExitStack() as stack:
        calendar = Calendar(values.now() - timedelta(days=DAYS))
        bank = await _open_stores(environ, calendar, stack)
        people: list[tuple[User, str]] = []
        for name, email, roles in PEOPLE:
            person = await _register(bank, name, email, roles)
            if person is None:
                return "The demo data is already there; its passwords were shown when it was created."
            people.append(person)
        customers = [await _customer(bank, user) for user, _ in people if user.roles == {Role.CUSTOMER}]
        await _place_orders(bank, customers)
    return _report(people)


async def _open_stores(environ: Mapping[str, str], calendar: Calendar, stack: AsyncExitStack) -> Bank:
    account, transaction = load(AccountSettings, environ), load(TransactionSettings, environ)
    hasher = stack.enter_context(PasswordHasher())
    auth_store = await stack.enter_async_context(open_store(load(AuthSettings, environ).store, AUTH_STORES))
    accounts = await stack.enter_async_context(open_store(account.store, ACCOUNT_STORES, clock=calendar))
    transactions = await stack.enter_async_context(open_store(transaction.store, TRANSACTION_STORES, clock=calendar))
    credential = ServiceCredential.load(account)
    client = await stack.enter_async_context(_postings_without_socket(accounts, credential))
    ledger = HttpLedger(client, credential)
    orders = Orders(transactions, ledger, SandboxProvider(), clock=calendar)
    return Bank(calendar, auth_store, hasher, accounts, orders)


@dataclass(frozen=True, slots=True)
class _InternalRuntime:
    store: AccountStore
    credential: ServiceCredential


def _postings_without_socket(store: AccountStore, credential: ServiceCredential) -> httpx.AsyncClient:
    """A client whose requests reach the internal routes of the account service in this process."""
    app = FastAPI(openapi_url=None)
    app.include_router(internal_router(lambda: _InternalRuntime(store, credential)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://account")


async def _register(bank: Bank, name: str, email: str, roles: Iterable[Role]) -> tuple[User, str] | None:
    """The new user and the password, or None when the e-mail address is taken."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = await create_user(bank.auth, bank.hasher, NewUser(email, password, name, roles), bank.calendar())
    if isinstance(user, TakenEmail):
        return None
    if not isinstance(user, User):
        raise StartupError(f"the demo user {email} was refused: {user.reason}")
    return user, password


async def _customer(bank: Bank, user: User) -> Customer:
    checking, savings = [await _open_account(bank, user, kind) for kind in (AccountType.CHECKING, AccountType.SAVINGS)]
    return Customer(user, checking, savings)


async def _open_account(bank: Bank, user: User, kind: AccountType) -> Account:
    opening = Opening(user.id, kind, EUR)
    account = await bank.accounts.open(
        user.id, lambda count: open_account(opening, already_open=count, limit=count + 1, now=bank.calendar())
    )
    if not isinstance(account, Account):
        raise StartupError("the account service refused to open a demo account")
    return account


async def _place_orders(bank: Bank, customers: list[Customer]) -> None:
    chance = random.Random(SEED)  # noqa: S311 - demo data, not a secret
    start = bank.calendar()
    for day in range(DAYS):
        for number, customer in enumerate(customers):
            bank.calendar.moment = start + timedelta(days=day, hours=8, minutes=7 * number)
            for order in _orders_of(day, customer, customers, chance):
                await bank.orders.place(order, Requester(customer.user.id, frozenset({CUSTOMER})), secrets.token_hex(8))
                bank.calendar.moment += timedelta(minutes=chance.randint(20, 90))


def _orders_of(day: int, customer: Customer, customers: list[Customer], chance: random.Random) -> Iterable[Order]:
    """The orders of one person on one day: the salary on the first, savings on the second, payments and transfers."""
    checking = customer.checking.id
    if day == 0:
        yield Order(TransactionType.DEPOSIT, Decimal("2800.00"), EUR, destination=checking, metadata={"note": "salary"})
    if day == 1:
        savings = customer.savings.id
        yield Order(TransactionType.TRANSFER, Decimal("300.00"), EUR, source=checking, destination=savings)
    if chance.random() < 0.5:  # noqa: PLR2004 - every other day
        amount = Decimal(chance.randint(300, 9_000)).scaleb(-2)
        yield Order(TransactionType.PAYMENT, amount, EUR, source=checking, payee=chance.choice(SHOPS))
    if chance.random() < 0.25:  # noqa: PLR2004 - twice a week
        amount = Decimal(chance.randint(500, 12_000)).scaleb(-2)
        number = chance.choice([other for other in customers if other is not customer]).checking.number
        metadata = {"note": chance.choice(NOTES)}
        yield Order(TransactionType.TRANSFER, amount, EUR, source=checking, destination=number, metadata=metadata)
    if day % 10 == 9:  # noqa: PLR2004 - every tenth day
        yield Order(TransactionType.WITHDRAWAL, Decimal("60.00"), EUR, source=checking)


def _report(people: list[tuple[User, str]]) -> str:
    lines = ["The demo data is written. Its passwords are shown only now:"]
    for user, password in people:
        roles = ", ".join(sorted(role.value for role in user.roles - {Role.CUSTOMER}))
        lines.append(f"  {user.email:<20} {password}  {user.name}{f' ({roles})' if roles else ''}")
    return "\n".join(lines)
