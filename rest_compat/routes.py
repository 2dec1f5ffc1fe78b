"""The table of routes: the sixteen of bank §3.2, one row each.

Literal paths win over parameters whatever the order here; HEAD, OPTIONS and 405 follow from the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rest_compat import bodies
from rest_compat.errors import INVALID_TOKEN, Reason, Unauthenticated
from rest_compat.representations import ACCOUNT, BALANCE, SESSION, TRANSACTION, USER
from rest_compat.route import Inputs, Missing, Nothing, One, Page, Route
from rest_compat.scalars import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.representations import Node

AUTHENTICATION: Final = "Authentication"
ACCOUNTS: Final = "Accounts"
TRANSACTIONS: Final = "Transactions"

TAGS: Final[Mapping[str, str]] = {
    AUTHENTICATION: "Who you are: registration, sessions, tokens.",
    ACCOUNTS: "Accounts and their balances.",
    TRANSACTIONS: "Movements of money.",
}

# --- inputs -> variables


def _body(inputs: Inputs) -> Mapping[str, object]:
    return {"input": inputs.body}


def _id(inputs: Inputs) -> Mapping[str, object]:
    return {"id": inputs.resource_id}


def _page(inputs: Inputs) -> Mapping[str, object]:
    criteria = {name: value for name, value in inputs.query.items() if name not in {"limit", "cursor"}}
    return {
        "filter": criteria or None,
        "first": inputs.query.get("limit", DEFAULT_LIMIT),
        "after": inputs.query.get("cursor"),
    }


def _page_of_account(inputs: Inputs) -> Mapping[str, object]:
    return {**_id(inputs), **_page(inputs)}


def _change(inputs: Inputs) -> Mapping[str, object]:
    version = {} if inputs.expected_version is None else {"expectedVersion": inputs.expected_version}
    return {"input": {**_id(inputs), **inputs.body, **version}}


def _order(inputs: Inputs) -> Mapping[str, object]:
    """The body without its tag, which chose the operation."""
    order = {name: value for name, value in inputs.body.items() if name != bodies.CREATE_TRANSACTION.tag}
    return {"input": {**order, "idempotencyKey": inputs.idempotency_key}}


_ORDER_OPERATIONS: Final[Mapping[str, str]] = {"DEPOSIT": "Deposit", "WITHDRAWAL": "Withdraw", "PAYMENT": "Pay"}


def _order_operation(inputs: Inputs) -> str:
    return _ORDER_OPERATIONS[inputs.body[bodies.CREATE_TRANSACTION.tag]]


# --- results -> answers

_NO_ACCOUNT = Missing(Reason(404, "INVALID_ACCOUNT", "Account not found"), "accountId")
_NO_TRANSACTION = Missing(Reason(404, "INVALID_TRANSACTION", "Transaction not found"), "transactionId")
_NO_SESSION = Missing(
    Reason(Unauthenticated.status, Unauthenticated.code, Unauthenticated.message),
    headers={"www-authenticate": INVALID_TOKEN},
)

# A transaction whose outcome is open has been accepted, not created (RFC 9110, section 15.3.3).
_ACCEPTED: Final = frozenset({"PENDING", "HELD"})


def _transaction_status(transaction: Node) -> int:
    return 202 if transaction["status"] in _ACCEPTED else 201


def _made(*extra: str) -> tuple[str, ...]:
    return ("Location", *extra)


_NEW_TRANSACTION = One(
    TRANSACTION,
    {201: "The money has moved.", 202: "The order is accepted; its outcome is open."},
    within="transaction",
    status=_transaction_status,
    location="/api/transactions/{id}",
    headers=_made("Idempotent-Replayed"),
)
_ORDER_REFUSALS: Final = (
    "INVALID_ACCOUNT",
    "INSUFFICIENT_FUNDS",
    "CURRENCY_MISMATCH",
    "ACCOUNT_FROZEN",
    "PAYMENT_DECLINED",
    "IDEMPOTENCY_KEY_REUSED",
)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/auth/register",
        tag=AUTHENTICATION,
        summary="Register, and begin a session",
        operation="register",
        body=bodies.REGISTER,
        variables=_body,
        outcome=One(SESSION, {201: "You are registered and signed in."}),
        refusals=("EMAIL_TAKEN", "WEAK_PASSWORD"),
        secured=False,
    ),
    Route(
        method="POST",
        path="/api/auth/login",
        tag=AUTHENTICATION,
        summary="Begin a session",
        operation="login",
        body=bodies.LOGIN,
        variables=_body,
        outcome=One(SESSION, {200: "You are signed in."}),
        refusals=("INVALID_CREDENTIALS",),
        secured=False,
    ),
    Route(
        method="POST",
        path="/api/auth/refresh",
        tag=AUTHENTICATION,
        summary="Exchange a refresh token for a new pair",
        operation="refresh",
        body=bodies.REFRESH,
        variables=_body,
        outcome=One(SESSION, {200: "A new pair; the old refresh token is dead."}),
        refusals=("INVALID_TOKEN",),
        secured=False,
    ),
    Route(
        method="DELETE",
        path="/api/auth/logout",
        tag=AUTHENTICATION,
        summary="End the session",
        operation="logout",
        outcome=Nothing("The session's tokens are dead."),
        missing=_NO_SESSION,
    ),
    Route(
        method="GET",
        path="/api/auth/me",
        tag=AUTHENTICATION,
        summary="Who the access token speaks for",
        operation="me",
        outcome=One(USER, {200: "You."}, headers=("ETag",)),
        missing=_NO_SESSION,
        no_store=False,
    ),
    Route(
        method="GET",
        path="/api/accounts",
        tag=ACCOUNTS,
        summary="List accounts",
        operation="list_accounts",
        query=bodies.ACCOUNT_LIST,
        variables=_page,
        outcome=Page(ACCOUNT),
    ),
    Route(
        method="POST",
        path="/api/accounts",
        tag=ACCOUNTS,
        summary="Open an account",
        operation="open_account",
        body=bodies.OPEN_ACCOUNT,
        variables=_body,
        outcome=One(
            ACCOUNT,
            {201: "The account is open."},
            within="account",
            location="/api/accounts/{id}",
            headers=_made("ETag"),
        ),
        refusals=("LIMIT_REACHED",),
    ),
    Route(
        method="GET",
        path="/api/accounts/:id",
        tag=ACCOUNTS,
        summary="Read an account",
        operation="get_account",
        variables=_id,
        outcome=One(ACCOUNT, {200: "The account."}, headers=("ETag",)),
        missing=_NO_ACCOUNT,
        closed_is_missing=True,
    ),
    Route(
        method="PUT",
        path="/api/accounts/:id",
        tag=ACCOUNTS,
        summary="Change an account's kind, freeze or unfreeze it",
        operation="update_account",
        body=bodies.CHANGE_ACCOUNT,
        variables=_change,
        outcome=One(ACCOUNT, {200: "The account as it is now."}, within="account"),
        missing=_NO_ACCOUNT,
        refusals=("INVALID_ACCOUNT", "CONFLICT"),
        forbidden=True,
        version_from="get_account",
    ),
    Route(
        method="DELETE",
        path="/api/accounts/:id",
        tag=ACCOUNTS,
        summary="Close an account",
        operation="close_account",
        variables=_change,
        outcome=Nothing("The account is closed."),
        missing=_NO_ACCOUNT,
        refusals=("INVALID_ACCOUNT", "ACCOUNT_NOT_EMPTY", "CONFLICT"),
        version_from="get_account",
    ),
    Route(
        method="GET",
        path="/api/accounts/:id/balance",
        tag=ACCOUNTS,
        summary="Read an account's balance",
        operation="get_balance",
        variables=_id,
        outcome=One(BALANCE, {200: "The balance."}, headers=("ETag",)),
        missing=_NO_ACCOUNT,
        closed_is_missing=True,
    ),
    Route(
        method="GET",
        path="/api/transactions",
        tag=TRANSACTIONS,
        summary="List transactions",
        operation="list_transactions",
        query=bodies.TRANSACTION_LIST,
        variables=_page,
        outcome=Page(TRANSACTION),
    ),
    Route(
        method="POST",
        path="/api/transactions",
        tag=TRANSACTIONS,
        summary="Deposit, withdraw or pay",
        operation="create_transaction",
        choose=_order_operation,
        body=bodies.CREATE_TRANSACTION,
        variables=_order,
        outcome=_NEW_TRANSACTION,
        refusals=_ORDER_REFUSALS,
        moves_money=True,
    ),
    Route(
        method="GET",
        path="/api/transactions/:id",
        tag=TRANSACTIONS,
        summary="Read a transaction",
        operation="get_transaction",
        variables=_id,
        outcome=One(TRANSACTION, {200: "The transaction."}, headers=("ETag",)),
        missing=_NO_TRANSACTION,
    ),
    Route(
        method="GET",
        path="/api/transactions/account/:accountId",
        tag=TRANSACTIONS,
        summary="List an account's transactions",
        operation="list_account_transactions",
        query=bodies.TRANSACTION_LIST,
        variables=_page_of_account,
        outcome=Page(TRANSACTION, within="transactions"),
        missing=_NO_ACCOUNT,
    ),
    Route(
        method="POST",
        path="/api/transactions/transfer",
        tag=TRANSACTIONS,
        summary="Move money between accounts",
        operation="transfer",
        body=bodies.TRANSFER,
        variables=_order,
        outcome=_NEW_TRANSACTION,
        refusals=(*_ORDER_REFUSALS, "SAME_ACCOUNT"),
        moves_money=True,
    ),
)
