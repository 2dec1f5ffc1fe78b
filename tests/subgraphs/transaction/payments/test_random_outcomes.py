"""Random orders with random outcomes at the provider, lost messages, and webhooks in any order.

Afterwards, no order is open, the ledger is sound, and the provider's statement agrees with the bank.
`--payment-orders=5000` runs more orders by hand.
"""

from __future__ import annotations

import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from mosafe.payments import Stores, compare_with
from servicekit.settings import load
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import READABLE_STORES as ACCOUNT_STORES
from subgraphs.kit.store_factory import open_store
from subgraphs.transaction.domain import OPEN
from subgraphs.transaction.payments.sandbox_instruments import SandboxInstrument
from subgraphs.transaction.payments.statement import parse_statement
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES
from subgraphs.transaction.store.protocol import Filter, Listing
from tests.subgraphs.bank import POSTINGS, open_bank
from tests.subgraphs.ledger_check import check_ledger
from tests.subgraphs.transaction.payments.support import running_sandbox
from tests.subgraphs.transaction.payments.test_webhooks import SECRET, World, event_of
from tests.subgraphs.transaction.rates.support import RATES

if TYPE_CHECKING:
    from pathlib import Path

SEED: Final = 7
# `pi_timeout` is left out, because each of these orders would take three seconds; lost responses stand for it.
INSTRUMENTS: Final = [None, *(each for each in SandboxInstrument if each is not SandboxInstrument.TIMEOUT)]


@dataclass
class Script:
    """Places random orders and sends random webhooks."""

    world: World
    script: random.Random
    orders: list[str]

    async def place(self, accounts: dict[str, dict[str, Any]]) -> None:
        bank, chance = self.world.bank, self.script.random
        self.world.sandbox.transport.lose_responses = 2 if chance() < 0.1 else 0
        self.world.sandbox.transport.lose_requests = 2 if chance() < 0.1 else 0
        if chance() < 0.1:
            bank.transport.lose_responses.append(POSTINGS)
        amount = f"{self.script.randint(1, 60)}.00"
        kind = self.script.choice(["deposit", "deposit", "withdraw", "pay", "transfer"])
        given: dict[str, Any] = {"amount": amount}
        if kind == "deposit":
            given["destinationAccountId"] = accounts["USD"]["id"]
        else:
            given["sourceAccountId"] = accounts["USD"]["id"]
        if kind == "transfer":
            given["destinationAccountId"] = self.script.choice([accounts["JPY"], accounts["other"]])["id"]
        else:
            given["paymentInstrument"] = self.script.choice(INSTRUMENTS)
        if kind == "pay":
            given["payee"] = "Water works"
        placed = await bank.order(bank.ann, kind, **given)
        if "transaction" in placed:
            self.orders.append(placed["transaction"]["id"])

    async def send_news(self, share: float) -> None:
        """Send webhooks about a share of all orders, in any order, some twice."""
        chosen = [order for order in self.orders if self.script.random() < share]
        self.script.shuffle(chosen)
        for order in chosen:
            kind = self.script.choice(["payment.charged_back", "payment.charged_back", "payment.authorised"])
            event = event_of({"id": order}, kind)
            for again in range(self.script.choice([1, 1, 2])):
                assert (await self.world.send(event, at=time.time() + again)).status_code == 200


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_after_any_outcomes_the_books_are_right_and_no_order_is_open(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls: dict[str, str] = request.getfixturevalue("mongo_urls") if kind == "mongodb" else {}
    (tmp_path / "rates.yaml").write_text(RATES, encoding="utf-8")
    variables = {"MOSAFE_DATA_DIR": str(tmp_path), **urls}
    extra = {"PAYMENT_WEBHOOK_SECRET": SECRET, "EXCHANGE_RATES": str(tmp_path / "rates.yaml")}
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running_sandbox(tmp_path / "provider"))
        bank = await stack.enter_async_context(open_bank(tmp_path, sandbox.provider, **urls, **extra))
        accounts = {
            "USD": await bank.open(bank.ann),
            "JPY": await bank.open(bank.bob, currency="JPY"),
            "other": await bank.open(bank.bob),
        }
        play = Script(World(bank, sandbox), random.Random(SEED), [])
        for number in range(request.config.getoption("--payment-orders")):
            await play.place(accounts)
            if number % 10 == 9:
                await play.send_news(0.1)
            sandbox.clock.advance(timedelta(milliseconds=500))
        sandbox.transport.lose_requests = sandbox.transport.lose_responses = 0
        bank.transport.lose_responses.clear()
        # All payments settle. One round of the reconciler tells the provider what to capture, so chargebacks follow.
        for _ in range(2):
            sandbox.clock.advance(timedelta(seconds=2))
            await bank.pauses.another_round()
        await play.send_news(1.0)
        await bank.pauses.another_round()
        statement = parse_statement((await sandbox.client.get("/v1/statement")).text, "statement")
    await check_ledger(variables)
    async with (
        open_store(load(TransactionSettings, variables).store, TRANSACTION_STORES) as transactions,
        open_store(load(AccountSettings, variables).store, ACCOUNT_STORES) as ledger,
    ):
        assert await transactions.listing(Listing(None, Filter(statuses=OPEN))) == []
        result = await compare_with(statement, Stores(transactions, ledger))
        # Only a chargeback of money that was spent leaves a difference.
        left = [(each.kind, each.here, each.there) for each in result.differences]
        assert set(left) <= {("state", "COMPLETED", "CHARGED_BACK")}
        assert result.open == 0
        assert len({line.payment.state for line in statement.lines}) == 5, statement
