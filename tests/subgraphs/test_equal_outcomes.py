"""The same generated orders, legal and illegal, have the same outcomes on SQLite and on MongoDB.

`ORDERS=10000 python -m pytest -n 0 --timeout=0 tests/subgraphs/test_equal_outcomes.py` compares more of them, `SEED=7`
others.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.subgraphs.bank import Bank, mutation, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.subgraphs.bank import Person
    from tests.subgraphs.support import GraphQLResponse

ORDERS: Final = int(os.environ.get("ORDERS", "60"))
SEED: Final = int(os.environ.get("SEED", "1"))
RULES: Final = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: large, kind: large_amount, at_least: 20, score: 70, types: [TRANSFER, PAYMENT]}
  - {name: too-large, kind: large_amount, at_least: 90, score: 30, types: [TRANSFER, PAYMENT]}
"""
CURRENCIES: Final = ("USD", "USD", "USD", "JPY")
AMOUNTS: Final = ("1.00", "3.50", "9.99", "25.00", "95.00", "5", "0.00", "-1.00", "1.001", "1e2", "13.13", "1313.13")
FACTS: Final = ("__typename", "code", "replayed", "available", "remaining", "kind")
REVIEW: Final = "mutation ($id: ID!) { %s(id: $id) { __typename ... on ReviewSuccess { transaction { status } } } }"
REVERSE: Final = """mutation ($input: ReverseTransactionInput!) { reverseTransaction(input: $input) { __typename
  ... on Problem { code } ... on ReversalSuccess { replayed reversal { id status } } } }"""
UPDATE: Final = "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { __typename } }"
STATEMENT: Final = """query ($id: ID!) { account(id: $id) { balance held version status
  statement { closingBalance entries(first: 100) { nodes { amount balance } } } } }"""


@dataclass
class World:
    """A bank whose people do what `script` draws. Two worlds with one seed are told to do the same."""

    bank: Bank
    script: random.Random
    accounts: list[tuple[Person, dict[str, Any]]] = field(default_factory=list)
    transactions: list[str] = field(default_factory=list)
    outcomes: list[object] = field(default_factory=list)

    async def play(self, orders: int) -> None:
        people = [self.bank.ann, self.bank.bob, self.bank.person()]
        for owner in people:
            self.accounts += [(owner, await self.bank.open(owner, currency=currency)) for currency in CURRENCIES]
        for _ in range(orders):
            action = self.script.choices((self.order, self.review, self.reverse, self.freeze), weights=(20, 3, 2, 1))[0]
            self.outcomes.append(await action(people))

    async def order(self, people: list[Person]) -> object:
        name = self.script.choice(("transfer", "transfer", "deposit", "deposit", "withdraw", "pay"))
        sides = {
            "transfer": ("sourceAccountId", "destinationAccountId"),
            "deposit": ("destinationAccountId",),
            "withdraw": ("sourceAccountId",),
            "pay": ("sourceAccountId",),
        }[name]
        owner, first = self.script.choice(self.accounts)
        actor = owner if self.script.random() < 0.9 else self.script.choice([*people, self.bank.staff])
        named = [first["id"], self.script.choice(self.accounts)[1]["id"]]
        if self.script.random() < 0.05:
            named[self.script.randrange(2)] = self.script.choice(["f" * 24, "nonsense"])
        given: dict[str, object] = {
            "amount": self.script.choice(AMOUNTS),
            "currency": first["currency"] if self.script.random() < 0.9 else self.script.choice(("JPY", "KWD", "XXQ")),
            "idempotencyKey": f"key-{self.script.randrange(1000)}",
            **dict(zip(sides, named, strict=False)),
        }
        if name == "pay":
            given["payee"] = self.script.choice(("Water works", "Sandbox decline", ""))
        return self.noted(await self.bank.as_(actor).execute(mutation(name), {"input": given}))

    async def review(self, people: list[Person]) -> object:
        del people
        held = (await self.bank.as_(self.bank.staff).execute("{ heldTransactions(last: 1) { nodes { id } } }")).ok()
        nodes = held["heldTransactions"]["nodes"]
        name = self.script.choice(("approveTransaction", "rejectTransaction"))
        query, wanted = REVIEW % name, nodes[0]["id"] if nodes else "f" * 24
        return self.noted(await self.bank.as_(self.bank.staff).execute(query, {"id": wanted}))

    async def reverse(self, people: list[Person]) -> object:
        del people
        wanted = self.script.choice(self.transactions) if self.transactions else "f" * 24
        given = {"transactionId": wanted, "idempotencyKey": f"key-{self.script.randrange(50)}"}
        return self.noted(await self.bank.as_(self.bank.staff).execute(REVERSE, {"input": given}))

    async def freeze(self, people: list[Person]) -> object:
        del people
        _, account = self.script.choice(self.accounts)
        # Frozen accounts are rare, so that orders meet other refusals, too.
        given = {"id": account["id"], "status": self.script.choice(("FROZEN", "ACTIVE", "ACTIVE"))}
        client = GraphQLClient(self.bank.accounts, self.bank.staff.token)
        return self.noted(await client.execute(UPDATE, {"input": given}))

    def noted(self, response: GraphQLResponse) -> object:
        """What the two worlds must have in common about a response; new transactions are remembered."""
        result: Mapping[str, Any] | None = next(iter((response.data or {}).values()), None)
        if result is None:
            return response.status, response.codes
        record = result.get("transaction") or result.get("reversal") or {}
        if "id" in record and record["id"] not in self.transactions:
            self.transactions.append(record["id"])
        facts = {
            name: result.get(name) for name in ("__typename", "code", "replayed", "available", "remaining", "kind")
        }
        return {**facts, "status": record.get("status"), "number": self._number(record.get("id"))}

    def _number(self, transaction_id: str | None) -> int | None:
        return None if transaction_id is None else self.transactions.index(transaction_id)

    async def accounts_now(self) -> list[object]:
        client = GraphQLClient(self.bank.accounts, self.bank.staff.token)
        return [
            (await client.execute(STATEMENT, {"id": account["id"]})).ok()["account"] for _, account in self.accounts
        ]


async def played(folder: Path, urls: Mapping[str, str]) -> World:
    environment: dict[str, Any] = {
        "FRAUD_RULES": str(folder / "rules.yaml"),
        "REVIEW_FOUR_EYES_ABOVE": "1000",
        # This limit counts the last 15 minutes, and the stores do not need the same time for the same orders.
        "ACCOUNT_RECEIVER_TRIES": "1000000",
        # On a busy machine, one store may need longer than the other.
        "SUBGRAPH_REQUEST_SECONDS": "600",
        **urls,
    }
    async with open_bank(folder, **environment) as bank:
        world = World(bank, random.Random(SEED))
        await world.play(ORDERS)
        world.outcomes += await world.accounts_now()
    return world


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two data directories with the same rules."""
    made = [tmp_path / name for name in ("sqlite", "mongodb")]
    for folder in made:
        folder.mkdir()
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return made


async def test_orders_have_the_same_outcomes_on_both_stores(folders: list[Path], mongo_urls: dict[str, str]) -> None:
    on_sqlite = await played(folders[0], {})
    on_mongodb = await played(folders[1], mongo_urls)
    for number, (one, other) in enumerate(zip(on_sqlite.outcomes, on_mongodb.outcomes, strict=True)):
        assert one == other, number
    kinds = {str(each.get("__typename")) for each in on_sqlite.outcomes if isinstance(each, dict)}
    assert len(kinds) > 3, kinds
