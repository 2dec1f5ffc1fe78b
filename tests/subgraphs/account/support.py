"""Short ways to make accounts and postings, for the tests of the account service."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bank import values
from bank.values import new_object_id, new_user_id
from subgraphs.account.domain import Account, AccountStatus, AccountType, Opening, open_account
from subgraphs.account.postings import (
    CustomerAccount,
    Entry,
    InternalAccount,
    OnBehalfOf,
    Posting,
    PostingType,
)
from subgraphs.account.store.mongo import MongoAccountStore
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.kit.hash_chain import ChainKey
from subgraphs.kit.store_factory import StoreAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from subgraphs.account.problems import LimitReached
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.protocol import AccountStore

    # Opens the same store at every call, as two processes would.
    StoreFactory = Callable[[], AbstractAsyncContextManager[AccountStore]]


# As a setting, so that a service of a test can open the stores of `sqlite_factory`.
KEY_TEXT = hashlib.sha256(b"the key of the chains in tests").hexdigest()
KEY = ChainKey(KEY_TEXT.encode())


def sqlite_factory(path: Path) -> StoreFactory:
    @asynccontextmanager
    async def opened() -> AsyncIterator[AccountStore]:
        store = await SqliteAccountStore.open_chained(path, KEY)
        try:
            yield store
        finally:
            await store.close()

    return opened


def mongo_address(url: str) -> StoreAddress:
    return StoreAddress(SecretStr(url), "ACCOUNT_DB_URL", Path("unused"))


def mongo_factory(url: str, key: ChainKey = KEY) -> StoreFactory:
    @asynccontextmanager
    async def opened() -> AsyncIterator[AccountStore]:
        store = await MongoAccountStore.open_chained(mongo_address(url), key, values.now)
        try:
            yield store
        finally:
            await store.close()

    return opened


def person(*roles: str) -> OnBehalfOf:
    """A new person."""
    return OnBehalfOf(new_user_id(), frozenset(roles))


async def opened(
    store: AccountStore,
    owner: OnBehalfOf,
    currency: str = "USD",
    type_: AccountType = AccountType.CHECKING,
) -> Account:
    """A new account of `owner` in `store`."""

    def rule(already_open: int) -> Account | LimitReached:
        opening = Opening(owner.user_id, type_, currency)
        return open_account(opening, already_open=already_open, limit=1000, now=values.now())

    account = await store.open(owner.user_id, rule)
    assert isinstance(account, Account)
    return account


async def with_status(store: AccountStore, account: Account, status: AccountStatus) -> Account:
    """`account` with another status."""

    def rule(current: Account | None) -> Account:
        assert current is not None
        return replace(current, status=status, version=current.version + 1, updated_at=values.now())

    return await store.change(account.id, rule)


def transfer(actor: OnBehalfOf, source: str, destination: str, amount: str, currency: str = "USD") -> Posting:
    return _posting(
        PostingType.TRANSFER, actor, (CustomerAccount(source), CustomerAccount(destination)), amount, currency
    )


def deposit(actor: OnBehalfOf, destination: str, amount: str, currency: str = "USD") -> Posting:
    parties = (InternalAccount("DEPOSITS"), CustomerAccount(destination))
    return _posting(PostingType.DEPOSIT, actor, parties, amount, currency)


def withdrawal(actor: OnBehalfOf, source: str, amount: str, currency: str = "USD") -> Posting:
    parties = (CustomerAccount(source), InternalAccount("WITHDRAWALS"))
    return _posting(PostingType.WITHDRAWAL, actor, parties, amount, currency)


def _posting(
    type_: PostingType,
    actor: OnBehalfOf,
    parties: tuple[CustomerAccount | InternalAccount, CustomerAccount | InternalAccount],
    amount: str,
    currency: str,
) -> Posting:
    debited, credited = parties
    value = Decimal(amount)
    entries = (Entry(debited, -value), Entry(credited, value))
    return Posting(new_object_id(), actor, type_, value, currency, entries)


async def funded(store: AccountStore, owner: OnBehalfOf, amount: str, currency: str = "USD") -> Account:
    """A new account of `owner` that holds `amount`."""
    account = await opened(store, owner, currency)
    outcome = await store.post(deposit(owner, account.id, amount, currency))
    assert outcome.posted, outcome.problem
    return await current(store, account)


async def current(store: AccountStore, account: Account) -> Account:
    """`account` as it is stored now."""
    return (await store.by_ids([account.id]))[account.id]


def code_of(outcome: Outcome) -> object:
    """The problem's code, or None if the posting was made."""
    return None if outcome.problem is None else outcome.problem["code"]
