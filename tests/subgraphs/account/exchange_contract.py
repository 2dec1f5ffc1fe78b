"""The part of the contract of account stores that is about postings in two currencies (bank §2.21)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from bank import values
from bank.values import InvalidValue, new_object_id
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.holds import Hold
from subgraphs.account.postings import EXCHANGE, CustomerAccount, Entry, OnBehalfOf, Posting, PostingType
from tests.subgraphs.account.support import code_of, current, funded, opened, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subgraphs.account.domain import Account
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory


def exchange(
    actor: OnBehalfOf,
    source: str,
    destination: str,
    *,
    amount: str = "10.00",
    credited: str = "1085",
    type_: PostingType = PostingType.TRANSFER,
) -> Posting:
    """`amount` in USD leaves `source`, and `credited` in JPY arrives at `destination`."""
    paid, got = Decimal(amount), Decimal(credited)
    return Posting(
        new_object_id(),
        actor,
        type_,
        paid,
        "USD",
        (
            Entry(CustomerAccount(source), -paid),
            Entry(EXCHANGE, paid),
            Entry(EXCHANGE, -got, "JPY"),
            Entry(CustomerAccount(destination), got, "JPY"),
        ),
    )


async def balances(store: AccountStore, *accounts: Account) -> list[str]:
    return [str((await current(store, account)).balance) for account in accounts]


async def an_exchange_moves_both_amounts_once(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        dollars, yen = await funded(store, ann, "100.00"), await opened(store, person(), currency="JPY")
        posting = exchange(ann, dollars.id, yen.id)
        outcomes = [await store.post(posting) for _ in range(2)]
        assert outcomes[0].posted
        assert outcomes[1] == outcomes[0]
        assert await balances(store, dollars, yen) == ["90.00", "1085"]
        other = exchange(ann, dollars.id, yen.id, credited="1086")
        with pytest.raises(TransactionIdReused):
            await store.post(
                Posting(posting.transaction_id, ann, other.type, other.amount, other.currency, other.entries)
            )


async def an_exchange_is_refused_as_other_postings_are(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        dollars, yen = await funded(store, ann, "100.00"), await opened(store, person(), currency="JPY")
        own_euros, euros = await opened(store, ann, currency="EUR"), await opened(store, person(), currency="EUR")
        refused = {
            "INSUFFICIENT_FUNDS": exchange(ann, dollars.id, yen.id, amount="100.01"),
            "RECEIVER_UNAVAILABLE": exchange(ann, dollars.id, euros.id),
            "CURRENCY_MISMATCH": exchange(ann, dollars.id, own_euros.id),
            "INVALID_ACCOUNT": exchange(ann, dollars.id, new_object_id()),
        }
        for code, posting in refused.items():
            assert code_of(await store.post(posting)) == code
        assert code_of(await store.post(exchange(ann, euros.id, yen.id))) == "INVALID_ACCOUNT"
        assert await balances(store, dollars, yen, euros, own_euros) == ["100.00", "0", "0.00", "0.00"]


async def the_money_of_an_exchange_is_reserved_and_captured_as_a_whole(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        dollars, yen = await funded(store, ann, "100.00"), await opened(store, person(), currency="JPY")
        posting = exchange(ann, dollars.id, yen.id)
        hold = await store.reserve(posting, values.now() + timedelta(hours=1))
        assert isinstance(hold, Hold)
        assert str((await current(store, dollars)).available) == "90.00"
        with pytest.raises(InvalidValue):
            await store.capture(posting.transaction_id, Decimal("5.00"))
        assert (await store.post(posting)).posted
        assert await balances(store, dollars, yen) == ["90.00", "1085"]
        assert (await current(store, dollars)).held == 0


async def an_exchange_is_reversed_with_both_amounts(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, staff = person(), person("SUPPORT")
        dollars, yen = await funded(store, ann, "100.00"), await opened(store, person(), currency="JPY")
        assert (await store.post(exchange(ann, dollars.id, yen.id))).posted
        entries = (
            Entry(CustomerAccount(yen.id), Decimal(-1085)),
            Entry(EXCHANGE, Decimal(1085)),
            Entry(EXCHANGE, Decimal("-10.00"), "USD"),
            Entry(CustomerAccount(dollars.id), Decimal("10.00"), "USD"),
        )
        back = Posting(new_object_id(), staff, PostingType.REVERSAL, Decimal(1085), "JPY", entries)
        assert (await store.post(back)).posted
        assert await balances(store, dollars, yen) == ["100.00", "0"]
        again = Posting(new_object_id(), staff, PostingType.REVERSAL, Decimal(1085), "JPY", entries)
        refused = await store.post(again)
        assert refused.problem is not None
        assert (refused.problem["code"], refused.problem["currency"]) == ("INSUFFICIENT_FUNDS", "JPY")


EXCHANGE_CONTRACT: Final[tuple[Callable[[StoreFactory], Awaitable[None]], ...]] = (
    an_exchange_moves_both_amounts_once,
    an_exchange_is_refused_as_other_postings_are,
    the_money_of_an_exchange_is_reserved_and_captured_as_a_whole,
    an_exchange_is_reversed_with_both_amounts,
)
