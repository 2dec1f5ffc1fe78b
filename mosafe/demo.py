"""`mosafe up --demo`: creates people, accounts and a month of transactions.

The transactions are in the past, but no public operation can write past transactions. So this module uses the rules and
stores of the services directly, in its own process, before the real processes start. The clock is set to each day of
the month, one after the other. The transaction service calls the account service directly and not over a socket. All
rules apply: the ledger balances, and the sandbox provider receives each deposit.

The e-mail addresses of the people belong to the domain `demo.example`. No real address has this domain, so no user has
registered one of these addresses before. The passwords are derived from a random key in the data directory. So every
start can show the same passwords.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
from fastapi import FastAPI

from bank import values
from bank.identity import CUSTOMER
from bank.secret_file import read_or_create_secret
from bank.service_credential import ServiceCredential
from mosafe.in_process_client import HttpxServiceClient
from servicekit.errors import StartupError
from servicekit.settings import load
from subgraphs.account.domain import Account, AccountType, Opening, open_account
from subgraphs.account.internal_api import internal_routes
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import account_stores
from subgraphs.auth.domain import Role, User
from subgraphs.auth.identity_service import NewUser, TakenEmail, create_user
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES as AUTH_STORES
from subgraphs.kit.service_routes import DirectRoutes
from subgraphs.kit.store_identity import open_joined
from subgraphs.transaction.domain import Order, Requester, TransactionType
from subgraphs.transaction.ledger_client import HttpLedger
from subgraphs.transaction.order_steps import Partners
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider
from subgraphs.transaction.saga import Orders
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from subgraphs.account.limits import Limits
    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.auth.store.protocol import AuthStore

DAYS: Final = 30
# The start value of the random numbers. It is fixed, so the transactions are the same on every machine. Only ids,
# account numbers and passwords differ.
SEED: Final = 2026
# The number of random bytes of a password. 15 bytes become 20 characters, which nobody can guess.
PASSWORD_BYTES: Final = 15
KEY: Final = Path("secrets", "demo.key")
# The name of the file that is written last. If demo data exists without this file, an earlier start was interrupted.
COMPLETE: Final = "demo.complete"
EUR: Final = "EUR"

PEOPLE: Final = (
    ("Ada Okafor", "ada@demo.example", (Role.CUSTOMER,)),
    ("Bruno Keller", "bruno@demo.example", (Role.CUSTOMER,)),
    ("Chiara Rossi", "chiara@demo.example", (Role.CUSTOMER,)),
    ("Dev Patel", "dev@demo.example", (Role.CUSTOMER,)),
    ("Sam Support", "support@demo.example", (Role.CUSTOMER, Role.SUPPORT)),
    ("Ruth Root", "admin@demo.example", (Role.CUSTOMER, Role.ADMIN)),
)
SHOPS: Final = ("Corner Bakery", "City Transport", "Green Grocer", "Power and Light", "Book Nook", "Rooftop Cinema")
NOTES: Final = ("rent", "dinner", "concert tickets", "groceries", "thanks!", "holiday fund")


@dataclass
class Calendar:
    """A clock that stands still at the time to which it was set last."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


@dataclass(frozen=True)
class Bank:
    """The stores and rules of the services, which all use one clock."""

    calendar: Calendar
    auth: AuthStore
    hasher: PasswordHasher
    accounts: AccountStore
    orders: Orders


class DemoPerson(NamedTuple):
    """A person of the demo data, with the values that a user needs to log in as this person."""

    name: str
    email: str
    password: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Customer:
    user: User
    checking: Account
    savings: Account


async def fill(environ: Mapping[str, str]) -> list[DemoPerson]:
    """Write the demo data if it does not exist yet. Return the people with their passwords.

    Raises:
        StartupError: a database cannot be opened, or an earlier start was interrupted while it wrote the data.
    """
    data_dir = load(AuthSettings, environ).data_dir
    complete = data_dir / COMPLETE
    was_begun = (data_dir / KEY).exists()
    people = _people(read_or_create_secret(data_dir / KEY))
    if complete.exists():
        return people
    if was_begun:
        raise StartupError(
            f"the demo data in {data_dir} is incomplete, because a start was cut off; delete this folder, "
            "or choose another one with MOSAFE_DATA_DIR"
        )
    async with AsyncExitStack() as stack:
        calendar = Calendar(values.now() - timedelta(days=DAYS))
        bank = await _open_stores(environ, calendar, stack)
        users = [await _register(bank, person) for person in people]
        await _place_orders(bank, [await _customer(bank, user) for user in users if user.roles == {Role.CUSTOMER}])
    complete.touch(mode=0o600)
    return people


def _people(key: str) -> list[DemoPerson]:
    return [DemoPerson(name, email, _password(key, email), roles) for name, email, roles in PEOPLE]


def _password(key: str, email: str) -> str:
    digest = hmac.digest(key.encode(), email.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:PASSWORD_BYTES]).decode()


async def _open_stores(environ: Mapping[str, str], calendar: Calendar, stack: AsyncExitStack) -> Bank:
    account, transaction = load(AccountSettings, environ), load(TransactionSettings, environ)
    hasher = stack.enter_context(PasswordHasher())
    auth_store = await stack.enter_async_context(open_joined(load(AuthSettings, environ).place, AUTH_STORES))
    account_store = open_joined(account.place, account_stores(account.chain_key()), clock=calendar)
    accounts = await stack.enter_async_context(account_store)
    transactions = await stack.enter_async_context(open_joined(transaction.place, TRANSACTION_STORES, clock=calendar))
    credential = ServiceCredential.load(account)
    client = await stack.enter_async_context(_postings_without_socket(accounts, credential, account.limits))
    ledger = HttpLedger(HttpxServiceClient(client), credential)
    orders = Orders(transactions, Partners(ledger, SimulatedProvider()), clock=calendar)
    return Bank(calendar, auth_store, hasher, accounts, orders)


@dataclass(frozen=True, slots=True)
class _InternalRuntime:
    store: AccountStore
    credential: ServiceCredential
    limits: Limits

    @property
    def writes(self) -> AccountStore:
        return self.store


def _postings_without_socket(store: AccountStore, credential: ServiceCredential, limits: Limits) -> httpx.AsyncClient:
    """Return a client whose requests go directly to the account service's internal routes in this process."""
    app = DirectRoutes(FastAPI(openapi_url=None), internal_routes(lambda: _InternalRuntime(store, credential, limits)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://account")


async def _register(bank: Bank, person: DemoPerson) -> User:
    new = NewUser(person.email, person.password, person.name, person.roles)
    user = await create_user(bank.auth, bank.hasher, new, bank.calendar())
    if isinstance(user, TakenEmail):
        raise StartupError(f"the e-mail address {person.email} of the demo data is taken")
    if not isinstance(user, User):
        raise StartupError(f"the demo user {person.email} was refused: {user.reason}")
    return user


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
    """Yield a person's orders of one day: the salary on day 1, savings on day 2, payments and transfers."""
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
