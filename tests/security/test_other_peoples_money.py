"""Attacks on other people's money, and on what their accounts would tell.

Every cell of role x operation x whose is tried, over every query and mutation of the account and transaction services
(`tests/subgraphs/auth/test_authorization.py` has those of auth, `tests/e2e/test_staff_rest.py` the REST routes).
The tests fail on a release whose staff debits customers, or that answers differently for two strangers' accounts.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest

from bank.identity import ACR_MFA, ADMIN, CUSTOMER, SUPPORT
from bank.values import new_object_id
from subgraphs.account import schema as account_schema
from subgraphs.transaction import schema as transaction_schema
from tests.subgraphs.bank import Bank, Person, mutation, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.support import GraphQLResponse


RULES: Final = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: large, kind: large_amount, at_least: 20, score: 70, types: [PAYMENT]}
  - {name: unusual, kind: large_amount, at_least: 20, score: 50, types: [WITHDRAWAL]}
"""


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_bank(tmp_path, FRAUD_RULES=str(rules)) as bank:
        yield bank


@dataclass(frozen=True)
class Target:
    """What an attempt is about: a funded account, an empty one, and an order, all of `owner`."""

    owner: Person
    account: dict[str, Any]
    empty: dict[str, Any]
    order_id: str
    third: dict[str, Any]
    """The account of a third person, who receives money."""


def accounts_client(bank: Bank, actor: Person) -> GraphQLClient:
    return GraphQLClient(bank.accounts, actor.token)


def shows(response: GraphQLResponse, text: str) -> bool:
    return text in json.dumps(response.data)


def done(response: GraphQLResponse) -> bool:
    """Whether the only mutation of the response succeeded."""
    (result,) = (response.data or {"": None}).values()
    return bool(result) and result["__typename"].endswith("Success")


async def read_account(bank: Bank, actor: Person, target: Target) -> bool:
    query = "query ($id: ID!) { account(id: $id) { id balance } }"
    return shows(await accounts_client(bank, actor).execute(query, {"id": target.account["id"]}), target.account["id"])


async def list_accounts(bank: Bank, actor: Person, target: Target) -> bool:
    response = await accounts_client(bank, actor).execute("{ accounts(first: 100) { nodes { id } } }")
    return shows(response, target.account["id"])


async def account_entity_by_id(bank: Bank, actor: Person, target: Target) -> bool:
    claim = {"__typename": "Account", "id": target.account["id"], "owner": {"id": actor.id}}
    return shows(await accounts_client(bank, actor).entities("... on Account { balance }", [claim]), "50.00")


async def account_entity_by_number(bank: Bank, actor: Person, target: Target) -> bool:
    claim = {"__typename": "Account", "accountNumber": target.account["accountNumber"]}
    return shows(await accounts_client(bank, actor).entities("... on Account { balance }", [claim]), "50.00")


async def accounts_of_user(bank: Bank, actor: Person, target: Target) -> bool:
    claim = {"__typename": "User", "id": target.owner.id}
    response = await accounts_client(bank, actor).entities("... on User { accounts { nodes { id } } }", [claim])
    return shows(response, target.account["id"])


async def change_account(bank: Bank, actor: Person, target: Target, **change: str) -> bool:
    query = "mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) { __typename } }"
    return done(await accounts_client(bank, actor).execute(query, {"input": {"id": target.account["id"], **change}}))


async def change_type(bank: Bank, actor: Person, target: Target) -> bool:
    return await change_account(bank, actor, target, type="SAVINGS")


async def freeze(bank: Bank, actor: Person, target: Target) -> bool:
    return await change_account(bank, actor, target, status="FROZEN")


async def close(bank: Bank, actor: Person, target: Target) -> bool:
    query = "mutation ($input: CloseAccountInput!) { closeAccount(input: $input) { __typename } }"
    return done(await accounts_client(bank, actor).execute(query, {"input": {"id": target.empty["id"]}}))


async def order(bank: Bank, actor: Person, name: str, **given: object) -> bool:
    wanted = {"amount": "1.00", "currency": "USD", "idempotencyKey": new_object_id(), **given}
    query = mutation(name).replace("... on TransactionSuccess", "__typename ... on TransactionSuccess")
    return done(await bank.as_(actor).execute(query, {"input": wanted}))


async def transfer(bank: Bank, actor: Person, target: Target) -> bool:
    given = {"sourceAccountId": target.account["id"], "destinationAccountNumber": target.third["accountNumber"]}
    return await order(bank, actor, "transfer", **given)


async def deposit(bank: Bank, actor: Person, target: Target) -> bool:
    return await order(bank, actor, "deposit", destinationAccountId=target.account["id"])


async def withdraw(bank: Bank, actor: Person, target: Target) -> bool:
    return await order(bank, actor, "withdraw", sourceAccountId=target.account["id"])


async def pay(bank: Bank, actor: Person, target: Target) -> bool:
    return await order(bank, actor, "pay", sourceAccountId=target.account["id"], payee="Me")


async def read_order(bank: Bank, actor: Person, target: Target) -> bool:
    query = "query ($id: ID!) { transaction(id: $id) { id requestedBy { id } } }"
    return shows(await bank.as_(actor).execute(query, {"id": target.order_id}), target.owner.id)


async def list_orders(bank: Bank, actor: Person, target: Target) -> bool:
    response = await bank.as_(actor).execute("{ transactions(first: 100) { nodes { id requestedBy { id } } } }")
    return shows(response, target.order_id)


async def order_entity(bank: Bank, actor: Person, target: Target) -> bool:
    claim = {"__typename": "Transaction", "id": target.order_id}
    return shows(await bank.as_(actor).entities("... on Transaction { amount status }", [claim]), "COMPLETED")


async def history_of_account(bank: Bank, actor: Person, target: Target) -> bool:
    claim = {"__typename": "Account", "id": target.account["id"], "currency": "USD", "minorUnits": 2}
    response = await bank.as_(actor).entities(
        "... on Account { transactions { nodes { id } } turnover { credited } }", [claim]
    )
    return shows(response, target.order_id) and shows(response, "50.00")


async def hold_order(bank: Bank, owner: Person) -> str:
    """The id of a new HELD payment, from a new account."""
    account = await bank.open(owner, "20.00")
    held = await bank.order(owner, "pay", sourceAccountId=account["id"], payee="Me", amount="20.00")
    assert held["transaction"]["status"] == "HELD"
    order_id: str = held["transaction"]["id"]
    return order_id


async def review(name: str, bank: Bank, actor: Person, target: Target) -> bool:
    query = f"mutation ($id: ID!) {{ {name}(id: $id) {{ __typename }} }}"
    return done(await bank.as_(actor).execute(query, {"id": await hold_order(bank, target.owner)}))


async def approve(bank: Bank, actor: Person, target: Target) -> bool:
    return await review("approveTransaction", bank, actor, target)


async def reject(bank: Bank, actor: Person, target: Target) -> bool:
    return await review("rejectTransaction", bank, actor, target)


async def confirm(bank: Bank, actor: Person, target: Target) -> bool:
    """The actor has stepped up; the order waits for its customer."""
    account = await bank.open(target.owner, "50.00")
    held = await bank.order(target.owner, "withdraw", sourceAccountId=account["id"], amount="20.00")
    assert held["transaction"]["status"] == "HELD"
    roles = jwt.decode(actor.token, options={"verify_signature": False})["roles"]
    login = {"acr": ACR_MFA, "auth_time": int(time.time()), "factor_enrolled_at": 1}
    stepped_up = Person(actor.id, bank.issuer.token(actor.id, *roles, claims=login))
    query = "mutation ($id: ID!) { confirmTransaction(id: $id) { __typename } }"
    return done(await bank.as_(stepped_up).execute(query, {"id": held["transaction"]["id"]}))


async def reverse(bank: Bank, actor: Person, target: Target) -> bool:
    account = await bank.open(target.owner)
    deposited = await bank.order(target.owner, "deposit", destinationAccountId=account["id"])
    query = "mutation ($input: ReverseTransactionInput!) { reverseTransaction(input: $input) { __typename } }"
    given = {"transactionId": deposited["transaction"]["id"], "idempotencyKey": new_object_id()}
    return done(await bank.as_(actor).execute(query, {"input": given}))


async def request_export(bank: Bank, actor: Person, target: Target) -> bool:
    return await export_of(bank, actor, target) is not None


async def export_of(bank: Bank, actor: Person, target: Target) -> str | None:
    """Request an export of the account's statement. Return the id of the export, None if it is refused."""
    query = """mutation ($input: RequestStatementExportInput!) { requestStatementExport(input: $input) {
        ... on RequestStatementExportSuccess { export { id } } } }"""
    given = {"accountId": target.account["id"], "format": "CSV"}
    data = (await accounts_client(bank, actor).execute(query, {"input": given})).ok()
    export = data["requestStatementExport"].get("export")
    return None if export is None else str(export["id"])


async def read_export(bank: Bank, actor: Person, target: Target) -> bool:
    export = await export_of(bank, target.owner, target)
    query = "query ($id: ID!) { statementExport(id: $id) { id account { id } content } }"
    return shows(await accounts_client(bank, actor).execute(query, {"id": export}), str(export))


async def list_exports(bank: Bank, actor: Person, target: Target) -> bool:
    export = await export_of(bank, target.owner, target)
    return shows(await accounts_client(bank, actor).execute("{ statementExports { id } }"), str(export))


async def notification_of(bank: Bank, target: Target) -> str:
    """Return the id of a notification of the owner. The consumer of events writes it in the background."""
    query = "{ notifications(first: 100) { nodes { id } } }"
    async with asyncio.timeout(60):
        while not (nodes := (await bank.as_(target.owner).execute(query)).ok()["notifications"]["nodes"]):
            await asyncio.sleep(0.05)  # there is no event of the consumer to wait for
    return str(nodes[0]["id"])


async def list_notifications(bank: Bank, actor: Person, target: Target) -> bool:
    notification = await notification_of(bank, target)
    return shows(await bank.as_(actor).execute("{ notifications(first: 100) { nodes { id } } }"), notification)


async def mark_notification(bank: Bank, actor: Person, target: Target) -> bool:
    notification = await notification_of(bank, target)
    query = "mutation ($ids: [ID!]!) { markNotificationsRead(ids: $ids) { __typename } }"
    await bank.as_(actor).execute(query, {"ids": [notification]})
    unread = await bank.as_(target.owner).execute("{ notifications(first: 100, unreadOnly: true) { nodes { id } } }")
    return not shows(unread, notification)


STAFF: Final = frozenset({SUPPORT, ADMIN})
NOBODY: Final = frozenset[str]()

# Field of the schema -> attempts: (attempt, whether the owner may, which roles may with the data of others).
READ: Final = (True, STAFF)
OWNER_ONLY: Final = (True, NOBODY)
# A member of the staff who is part of an order leaves its review to a colleague.
COLLEAGUES: Final = (False, STAFF)
TABLE: Final[dict[str, list[tuple[Any, tuple[bool, frozenset[str]]]]]] = {
    "account": [(read_account, READ)],
    "accounts": [(list_accounts, READ)],
    "_entities": [
        (account_entity_by_id, READ),
        (account_entity_by_number, READ),
        (accounts_of_user, READ),
        (order_entity, READ),
        (history_of_account, READ),
    ],
    # Staff freeze accounts of others; their own is for a colleague.
    "updateAccount": [(change_type, OWNER_ONLY), (freeze, COLLEAGUES)],
    "closeAccount": [(close, OWNER_ONLY)],
    "transaction": [(read_order, READ)],
    "transactions": [(list_orders, READ)],
    "transfer": [(transfer, OWNER_ONLY)],
    "deposit": [(deposit, OWNER_ONLY)],
    "withdraw": [(withdraw, OWNER_ONLY)],
    "pay": [(pay, OWNER_ONLY)],
    "confirmTransaction": [(confirm, OWNER_ONLY)],
    "approveTransaction": [(approve, COLLEAGUES)],
    "rejectTransaction": [(reject, COLLEAGUES)],
    "reverseTransaction": [(reverse, COLLEAGUES)],
    # An export and a notification belong to the person who requested or received it, whatever the role of others.
    "requestStatementExport": [(request_export, READ)],
    "statementExport": [(read_export, OWNER_ONLY)],
    "statementExports": [(list_exports, OWNER_ONLY)],
    "notifications": [(list_notifications, OWNER_ONLY)],
    "markNotificationsRead": [(mark_notification, OWNER_ONLY)],
}
# They name nobody's data: an account is always opened for the caller.
WITHOUT_DATA: Final = {"openAccount", "_service"}
# The queue of held orders depends on the role alone.
OF_STAFF: Final = {"heldTransactions"}
CELLS = [(attempt, rule) for attempts in TABLE.values() for attempt, rule in attempts]
# What changes data, or copies it: the audit log has each such operation of staff with the data of others (bank §2.22).
CHANGES: Final = frozenset(
    attempt
    for built in (account_schema.build_schema(), transaction_schema.build_schema())
    for name in built._schema.type_map["Mutation"].fields  # type: ignore[attr-defined] # noqa: SLF001 - as below
    for attempt, _ in TABLE.get(name, [])
)


async def a_target(bank: Bank, owner: Person) -> Target:
    account, empty = await bank.open(owner, "50.00"), await bank.open(owner)
    data = (await bank.as_(owner).execute("{ transactions { nodes { id } } }")).ok()
    third = await bank.open(bank.person())
    return Target(owner, account, empty, data["transactions"]["nodes"][0]["id"], third)


def test_every_query_and_mutation_is_in_the_table() -> None:
    fields = {
        name
        for built in (account_schema.build_schema(), transaction_schema.build_schema())
        for type_ in ("Query", "Mutation")
        for name in built._schema.type_map[type_].fields  # type: ignore[attr-defined] # noqa: SLF001 - graphql-core's schema
    }
    assert fields == set(TABLE) | WITHOUT_DATA | OF_STAFF


async def test_only_staff_sees_the_queue_of_held_orders(bank: Bank) -> None:
    for role, may in ((CUSTOMER, False), (SUPPORT, True), (ADMIN, True)):
        actor = bank.person(role)
        for owner in (actor, bank.person()):
            held = await hold_order(bank, owner)
            response = await bank.as_(actor).execute("{ heldTransactions(first: 100) { nodes { id } } }")
            assert shows(response, held) is may, role


@pytest.mark.parametrize(("attempt", "rule"), CELLS, ids=lambda value: getattr(value, "__name__", ""))
async def test_each_role_does_only_what_the_table_allows(
    bank: Bank, attempt: Any, rule: tuple[bool, frozenset[str]]
) -> None:
    """Holds the tables of permissions: role x operation x whose. Staff moved customers' money before."""
    owner_may, staff_roles = rule
    for roles in ((CUSTOMER,), (SUPPORT,), (ADMIN,), (CUSTOMER, ADMIN)):
        actor = bank.person(*roles)
        own = await a_target(bank, actor)
        assert await attempt(bank, actor, own) is owner_may, (roles, "own")
        assert {outcome for _, _, outcome, _ in bank.issuer.audit.entries()} <= {"REFUSED"}, (roles, "own")
        bank.issuer.audit.forget()
        others = await a_target(bank, bank.person())
        may = bool(staff_roles & set(roles))
        assert await attempt(bank, actor, others) is may, (roles, "others")
        recorded = [(action, outcome) for action, _, outcome, _ in bank.issuer.audit.entries()]
        assert [outcome for _, outcome in recorded] == ["DONE"] * (may and attempt in CHANGES), (roles, recorded)
        bank.issuer.audit.forget()
        balance = await bank.balance(others.owner, others.account)
        assert balance == "50.00", (roles, "the money of others")


@pytest.mark.parametrize("role", [SUPPORT, ADMIN])
async def test_staff_get_a_clear_refusal_and_leave_no_order(bank: Bank, role: str) -> None:
    staff, ann = bank.person(role), bank.person()
    target = await a_target(bank, ann)
    given = {"amount": "1.00", "currency": "USD", "idempotencyKey": "k"}
    for name, names in (
        ("transfer", {"sourceAccountId": target.account["id"], "destinationAccountId": target.third["id"]}),
        ("withdraw", {"sourceAccountId": target.account["id"]}),
        ("pay", {"sourceAccountId": target.account["id"], "payee": "Me"}),
        ("deposit", {"destinationAccountId": target.account["id"]}),
    ):
        response = await bank.as_(staff).execute(mutation(name), {"input": {**given, **names}})
        assert response.codes == ["FORBIDDEN"], name
    data = (await bank.as_(ann).execute("{ transactions { totalCount } }")).ok()
    assert data["transactions"]["totalCount"] == 1


async def test_a_change_by_staff_is_marked_and_only_staff_see_who_made_it(bank: Bank) -> None:
    ann = bank.person()
    account = await bank.open(ann)
    await bank.freeze(account)
    query = "query ($id: ID!) { account(id: $id) { staffAction { kind at by { id } } } }"
    seen = [
        (await accounts_client(bank, person).execute(query, {"id": account["id"]})).ok()["account"]["staffAction"]
        for person in (ann, bank.staff)
    ]
    assert [action["kind"] for action in seen] == ["FROZEN", "FROZEN"]
    assert [action["by"] for action in seen] == [None, {"id": bank.staff.id}]


MASKS: Final = (
    (re.compile(r"[0-9a-f]{24}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r'"\d{10}"'), '"<number>"'),
)
HIDDEN_HEADERS: Final = {"date", "x-request-id", "content-length"}


def masked(text: str) -> str:
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


async def probe(bank: Bank, sender: Person, source: dict[str, Any], names: dict[str, str]) -> str:
    """All that the sender sees of a transfer, masked: the complete response, its replay, the record, the calls."""
    wanted = {"amount": "1.00", "currency": "USD", "sourceAccountId": source["id"], "idempotencyKey": new_object_id()}
    body = {"query": mutation("transfer"), "variables": {"input": wanted | names}}
    headers = {"authorization": f"Bearer {sender.token}"}
    bank.transport.calls.clear()
    seen: list[object] = []
    for _ in range(2):
        response = await bank.transactions.post("/graphql", json=body, headers=headers)
        kept = {name: value for name, value in response.headers.items() if name not in HIDDEN_HEADERS}
        seen.append([response.status_code, kept, response.text])
    listing = "{ transactions(first: 1) { nodes { id amount status type problem { __typename code message }"
    fields = " source { id } destination { id } counterparty { accountNumber owner { id } } } } }"
    seen.extend(((await bank.as_(sender).execute(listing + fields)).ok(), list(bank.transport.calls)))
    return masked(json.dumps(seen, sort_keys=True))


async def strangers(bank: Bank) -> dict[str, dict[str, Any]]:
    """Accounts of other people that cannot receive dollars, one for each reason and two for some."""
    found = {
        "frozen": await bank.open(bank.person(), "5.00"),
        "frozen and empty": await bank.open(bank.person()),
        "closed": await bank.open(owner := bank.person()),
        "other currency": await bank.open(bank.person(), currency="JPY"),
        "other currency and frozen": await bank.open(bank.person(), currency="EUR"),
    }
    for name, account in found.items():
        if "frozen" in name:
            await bank.freeze(account)
    await bank.close(owner, found["closed"])
    return found


def named(account: dict[str, Any]) -> list[dict[str, str]]:
    return [{"destinationAccountId": account["id"]}, {"destinationAccountNumber": account["accountNumber"]}]


async def test_strangers_accounts_that_cannot_receive_give_one_response_byte_for_byte(bank: Bank) -> None:
    """Frozen, closed and other currency were three different problems before."""
    rich = await bank.open(bank.ann, "50.00")
    for way in (0, 1):
        answers = {
            name: await probe(bank, bank.ann, rich, named(account)[way])
            for name, account in (await strangers(bank)).items()
        }
        assert len(set(answers.values())) == 1, answers
        assert "RECEIVER_UNAVAILABLE" in next(iter(answers.values()))
    assert await bank.balance(bank.ann, rich) == "50.00"


async def test_without_money_every_account_gives_one_response_byte_for_byte(bank: Bank) -> None:
    """A person without money told existing accounts from missing ones before."""
    poor = await bank.open(bank.ann, "0.99")
    fine = await bank.open(bank.bob)
    missing = {"id": new_object_id(), "accountNumber": "1234567897"}
    targets = {**await strangers(bank), "fine": fine, "missing": missing, "no check digit": {**missing, "id": "0" * 24}}
    for way in (0, 1):
        answers = {name: await probe(bank, bank.ann, poor, named(account)[way]) for name, account in targets.items()}
        assert len(set(answers.values())) == 1, answers
        assert "INSUFFICIENT_FUNDS" in next(iter(answers.values()))


async def test_a_missing_receiver_stays_the_plain_not_found(bank: Bank) -> None:
    rich = await bank.open(bank.ann, "50.00")
    for names in ({"destinationAccountId": new_object_id()}, {"destinationAccountNumber": "1234567897"}):
        refused = await bank.order(bank.ann, "transfer", sourceAccountId=rich["id"], **names)
        assert (refused["code"], refused["reason"]) == ("INVALID_ACCOUNT", None)
        assert refused["accountId"] in names.values()


async def test_the_state_of_ones_own_accounts_comes_before_the_receiver(bank: Bank) -> None:
    frozen, yen = await bank.open(bank.ann, "50.00"), await bank.open(bank.ann, "50", currency="JPY")
    await bank.freeze(frozen)
    targets = {**await strangers(bank), "fine": await bank.open(bank.bob), "missing": {"id": new_object_id()}}
    for source, code in ((frozen, "ACCOUNT_FROZEN"), (yen, "CURRENCY_MISMATCH")):
        answers = {
            name: await probe(bank, bank.ann, source, {"destinationAccountId": account["id"]})
            for name, account in targets.items()
        }
        assert len(set(answers.values())) == 1, answers
        assert code in next(iter(answers.values()))


async def test_deposits_and_withdrawals_never_reach_a_strangers_account(bank: Bank) -> None:
    """Every state of a stranger's account, and none, give one response."""
    targets = {**await strangers(bank), "fine": await bank.open(bank.bob, "9.00"), "missing": {"id": new_object_id()}}
    for name, field in (("deposit", "destinationAccountId"), ("withdraw", "sourceAccountId")):
        answers = {
            masked(json.dumps(await bank.order(bank.ann, name, **{field: account["id"]})))
            for account in targets.values()
        }
        assert len(answers) == 1
        assert "INVALID_ACCOUNT" in next(iter(answers))


async def test_searching_for_receivers_ends_after_some_tries_even_at_once(bank: Bank) -> None:
    """The tries of one person end; 60 at the same moment learn no more than 20 one after the other."""
    rich, fine = await bank.open(bank.ann, "500.00"), await bank.open(bank.bob)
    given = {"amount": "1.00", "currency": "USD", "sourceAccountId": rich["id"]}

    async def send(person: Person, **names: str) -> tuple[str | None, str | None]:
        wanted = {**given, "idempotencyKey": new_object_id(), **names}
        response = await bank.as_(person).execute(mutation("transfer"), {"input": wanted})
        result = (response.data or {}).get("transfer") or {}
        return result.get("code"), (response.codes or [None])[0]

    found = await asyncio.gather(*(send(bank.ann, destinationAccountId=new_object_id()) for _ in range(60)))
    assert sum(code == "INVALID_ACCOUNT" for code, _ in found) <= 20
    assert {code for code, _ in found} <= {"INVALID_ACCOUNT", "RECEIVER_UNAVAILABLE", None}
    for names in ({"destinationAccountId": fine["id"]}, {"destinationAccountId": new_object_id()}):
        assert await send(bank.ann, **names) == (None, "RATE_LIMITED")
    # Money of one's own accounts still moves, and nobody else is affected.
    own = await bank.open(bank.ann)
    assert await send(bank.ann, destinationAccountId=own["id"]) == (None, None)
    bobs = await bank.open(bank.bob, "5.00")
    paid = await bank.order(
        bank.bob, "transfer", sourceAccountId=bobs["id"], destinationAccountId=rich["id"], amount="1.00"
    )
    assert paid["transaction"]["status"] == "COMPLETED"


async def test_without_a_token_an_entity_does_not_show_whether_it_exists(bank: Bank) -> None:
    """A missing account was null, an existing one an error before."""
    account = await bank.open(bank.ann)
    claims: list[dict[str, object]] = [
        {"__typename": "Account", "id": account["id"]},
        {"__typename": "Account", "id": new_object_id()},
        {"__typename": "Account", "accountNumber": account["accountNumber"]},
        {"__typename": "Account", "accountNumber": "1234567897"},
    ]
    for client in (GraphQLClient(bank.accounts), GraphQLClient(bank.transactions)):
        answers = [await client.entities("... on Account { id }", [claim]) for claim in claims[:2]]
        assert [answer.codes for answer in answers] == [["UNAUTHENTICATED"]] * 2
    answers = [await GraphQLClient(bank.accounts).entities("... on Account { id }", [claim]) for claim in claims]
    assert {str((answer.data, answer.codes)) for answer in answers} == {
        str(({"_entities": [None]}, ["UNAUTHENTICATED"]))
    }
