"""The token of an application may do what its scopes allow, in the real services, and nothing else.

Covers `subgraphs/kit/delegated_scopes.py` and `subgraphs/kit/root_fields.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import OperationType

from bank.scopes import ACCOUNTS, ENROLMENT, OPENID, PAYMENTS, PROFILE, READ, STAFF
from subgraphs.account.schema import build_schema as account_schema
from subgraphs.auth.schema import build_schema as auth_schema
from subgraphs.kit.delegated_scopes import ANY_SCOPE, scope_of
from subgraphs.transaction.schema import build_schema as transaction_schema
from tests.subgraphs.bank import Bank, Person, mutation, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from subgraphs.kit.schema import SubgraphSchema

ACCOUNT = "query ($id: ID!) { account(id: $id) { balance } }"
OPEN = 'mutation { openAccount(input: {type: CHECKING, currency: "USD"}) { __typename } }'


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def application(bank: Bank, person: Person, *scopes: str, **claims: object) -> Person:
    """`person` through an application with `scopes`."""
    delegated = {"client_id": "app", "scope": " ".join(scopes), **claims}
    return Person(person.id, bank.issuer.token(person.id, claims=delegated))


def refused(response: Any, scope: str | None) -> bool:
    (error,) = response.errors
    found = error["extensions"]
    return bool(response.status == 200 and response.data is None and found["code"] == "FORBIDDEN") and (
        found.get("scope") == scope
    )


async def test_an_application_that_may_read_cannot_move_money(bank: Bank) -> None:
    account = await bank.open(bank.ann, "25.00")
    reader = application(bank, bank.ann, OPENID, READ)
    accounts = GraphQLClient(bank.accounts, reader.token)
    assert (await accounts.execute(ACCOUNT, {"id": account["id"]})).ok() == {"account": {"balance": "25.00"}}
    orders = {
        "transfer": {"sourceAccountId": account["id"], "destinationAccountId": account["id"]},
        "deposit": {"destinationAccountId": account["id"]},
        "withdraw": {"sourceAccountId": account["id"]},
        "pay": {"sourceAccountId": account["id"], "payee": "Shop"},
    }
    for name, given in orders.items():
        order = {"amount": "10.00", "currency": "USD", "idempotencyKey": name, **given}
        response = await bank.as_(reader).execute(mutation(name), {"input": order})
        assert refused(response, PAYMENTS), name
    assert refused(await accounts.execute(OPEN), ACCOUNTS)
    assert await bank.balance(bank.ann, account) == "25.00"


async def test_an_application_that_may_pay_cannot_read(bank: Bank) -> None:
    account = await bank.open(bank.ann, "25.00")
    payer = application(bank, bank.ann, PAYMENTS)
    accounts = GraphQLClient(bank.accounts, payer.token)
    assert refused(await accounts.execute(ACCOUNT, {"id": account["id"]}), READ)
    reference = [{"__typename": "Account", "id": account["id"]}]
    assert refused(await accounts.entities("... on Account { balance }", reference), READ)
    paid = await bank.order(payer, "withdraw", sourceAccountId=account["id"])
    assert paid["transaction"]["status"] == "COMPLETED"
    assert await bank.balance(bank.ann, account) == "15.00"


@pytest.mark.parametrize(
    "document",
    [
        (
            "mutation ($input: WithdrawInput!) { ...Money } fragment Money on Mutation { a: withdraw(input: $input)"
            " { __typename } }"
        ),
        (
            "mutation ($input: WithdrawInput!) { __typename ... on Mutation { ... { withdraw(input: $input)"
            " { __typename } } } }"
        ),
        (
            "mutation ($input: WithdrawInput!, $no: Boolean = false) { withdraw(input: $input) @skip(if: $no)"
            " { __typename } }"
        ),
    ],
    ids=["fragment and alias", "inline fragments", "skip"],
)
async def test_no_form_of_a_document_hides_a_root_field(bank: Bank, document: str) -> None:
    account = await bank.open(bank.ann, "25.00")
    given = {"sourceAccountId": account["id"], "amount": "10.00", "currency": "USD", "idempotencyKey": "k"}
    response = await bank.as_(application(bank, bank.ann, READ)).execute(document, {"input": given})
    assert refused(response, PAYMENTS)
    assert await bank.balance(bank.ann, account) == "25.00"


async def test_scopes_limit_a_token_without_a_client_and_a_client_without_scopes(bank: Bank) -> None:
    account = await bank.open(bank.ann, "25.00")
    for claims in ({"scope": OPENID}, {"client_id": "app"}, {"client_id": "app", "scope": None}):
        person = Person(bank.ann.id, bank.issuer.token(bank.ann.id, claims=claims))
        accounts = GraphQLClient(bank.accounts, person.token)
        assert refused(await accounts.execute(ACCOUNT, {"id": account["id"]}), READ), claims
        assert (await accounts.execute("{ __typename }")).ok() == {"__typename": "Query"}


@pytest.mark.parametrize("claims", [{"client_id": 7}, {"client_id": ["app"]}, {"cnf": {"jkt": "x"}}, {"cnf": None}])
async def test_malformed_clients_and_bound_tokens_are_no_callers(bank: Bank, claims: dict[str, object]) -> None:
    token = bank.issuer.token(bank.ann.id, claims=claims)
    codes = (await GraphQLClient(bank.accounts, token).execute("{ accounts { nodes { id } } }")).codes
    assert codes == ([] if claims == {"cnf": None} else ["UNAUTHENTICATED"])


def scopes(schema: SubgraphSchema, kind: OperationType) -> dict[str, str | None]:
    type_ = schema.graphql.get_root_type(kind)
    return {name: scope_of(schema, kind, name) for name in type_.fields} if type_ is not None else {}


@pytest.mark.parametrize("schema", [account_schema(), transaction_schema(), auth_schema()])
def test_reading_scopes_change_nothing(schema: SubgraphSchema) -> None:
    harmless = {"requestStatementExport": READ, "logout": ANY_SCOPE}
    for name, scope in scopes(schema, OperationType.MUTATION).items():
        assert scope in {None, PAYMENTS, ACCOUNTS, STAFF, ENROLMENT} or harmless[name] == scope, name
    for kind in (OperationType.QUERY, OperationType.SUBSCRIPTION):
        for name, scope in scopes(schema, kind).items():
            assert scope in {None, READ, PROFILE, ENROLMENT} or (scope == ANY_SCOPE and name.startswith("_")), name


def test_the_logins_of_the_bank_are_closed_to_applications() -> None:
    closed = scopes(auth_schema(), OperationType.MUTATION)
    assert [closed[name] for name in ("register", "login", "refresh")] == [None] * 3
