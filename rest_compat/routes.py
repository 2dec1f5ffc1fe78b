"""The table of routes: the routes of bank §3.2, one row each.

The order of the rows does not matter, because literal paths have priority over parameters. HEAD, OPTIONS and 405 are
derived from the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_compat import bodies
from rest_compat.errors import INVALID_TOKEN, Reason, Unauthenticated
from rest_compat.representations import ACCOUNT, BALANCE, SESSION, TRANSACTION, USER
from rest_compat.route import DocumentPage, Inputs, NoContent, NullResult, OneDocument, Route, ServiceJudgement
from rest_compat.scalars import DEFAULT_LIMIT
from rest_compat.statements import StatementPage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.representations import Node

AUTHENTICATION: Final = "Authentication"
ACCOUNTS: Final = "Accounts"
TRANSACTIONS: Final = "Transactions"

TAGS: Final[Mapping[str, str]] = {
    AUTHENTICATION: "Registration, sessions and tokens.",
    ACCOUNTS: "Accounts and their balances.",
    TRANSACTIONS: "Deposits, withdrawals, payments and transfers.",
}

# --- Functions that convert inputs to variables


def _body(inputs: Inputs) -> Mapping[str, object]:
    return {"input": inputs.body}


def _refused_registration(valid: Mapping[str, Any]) -> Mapping[str, object]:
    """Return variables of a registration that the auth service refuses, because the e-mail address is invalid.

    The service checks that the password does not contain the user's name or parts of the address. So the variables
    contain name and address too.
    """
    email, name = f"@{valid.get('email', '')}", valid.get("name", "")
    return {"input": {"email": email, "password": valid["password"], "name": name}}


def _id(inputs: Inputs) -> Mapping[str, object]:
    return {"id": inputs.resource_id}


def _page(inputs: Inputs) -> Mapping[str, object]:
    criteria = {name: value for name, value in inputs.query.items() if name not in {"limit", "cursor"}}
    return {
        "filter": criteria or None,
        "first": inputs.query.get("limit", DEFAULT_LIMIT),
        "after": inputs.query.get("cursor"),
    }


def _statement(inputs: Inputs) -> Mapping[str, object]:
    page = _page(inputs)
    period = {name: inputs.query.get(name) for name in ("from", "to")}
    return {**_id(inputs), **period, "first": page["first"], "after": page["after"]}


def _page_of_account(inputs: Inputs) -> Mapping[str, object]:
    return {**_id(inputs), **_page(inputs)}


def _change(inputs: Inputs) -> Mapping[str, object]:
    version = {} if inputs.expected_version is None else {"expectedVersion": inputs.expected_version}
    return {"input": {**_id(inputs), **inputs.body, **version}}


def _order_input(inputs: Inputs) -> Mapping[str, object]:
    """Return the variable `input` of an order: the body without the field that selects the operation, and the key."""
    order = {name: value for name, value in inputs.body.items() if name != bodies.CREATE_TRANSACTION.tag}
    return {"input": {**order, "idempotencyKey": inputs.idempotency_key}}


_ORDER_OPERATIONS: Final[Mapping[str, str]] = {"DEPOSIT": "Deposit", "WITHDRAWAL": "Withdraw", "PAYMENT": "Pay"}


def _order_operation(inputs: Inputs) -> str:
    return _ORDER_OPERATIONS[inputs.body[bodies.CREATE_TRANSACTION.tag]]


# --- Functions that convert results to responses

_NO_ACCOUNT = NullResult(Reason(404, "INVALID_ACCOUNT", "Account not found"), "accountId")
_NO_TRANSACTION = NullResult(Reason(404, "INVALID_TRANSACTION", "Transaction not found"), "transactionId")
_NO_SESSION = NullResult(
    Reason(Unauthenticated.status, Unauthenticated.code, Unauthenticated.message),
    headers={"www-authenticate": INVALID_TOKEN},
)

# A transaction with one of these statuses is not final. The response is 202 and not 201 (RFC 9110 §15.3.3).
_ACCEPTED: Final = frozenset({"PENDING", "HELD"})


def _transaction_status(transaction: Node) -> int:
    return 202 if transaction["status"] in _ACCEPTED else 201


_NEW_TRANSACTION = OneDocument(
    TRANSACTION,
    {201: "The transaction is completed.", 202: "The order is accepted; the transaction is not final yet."},
    within="transaction",
    status=_transaction_status,
    location="/api/transactions/{id}",
    headers=("Location", "Idempotent-Replayed"),
)
_ORDER_REFUSALS: Final = (
    "INVALID_ACCOUNT",
    "INSUFFICIENT_FUNDS",
    "CURRENCY_MISMATCH",
    "ACCOUNT_FROZEN",
    "AMOUNT_LIMIT_EXCEEDED",
    "PAYMENT_DECLINED",
    "ORDER_REFUSED",
    "IDEMPOTENCY_KEY_REUSED",
    "STEP_UP_REQUIRED",
)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/auth/register",
        kind="sign-in",
        tag=AUTHENTICATION,
        summary="Register, and start a session",
        operation="register",
        body=bodies.REGISTER,
        judgement=ServiceJudgement("password", _refused_registration),
        variables=_body,
        success=OneDocument(SESSION, {201: "The user is registered and signed in."}),
        refusals=("EMAIL_TAKEN", "WEAK_PASSWORD"),
        secured=False,
    ),
    Route(
        method="POST",
        path="/api/auth/login",
        kind="sign-in",
        tag=AUTHENTICATION,
        summary="Start a session",
        operation="login",
        body=bodies.LOGIN,
        variables=_body,
        success=OneDocument(SESSION, {200: "The user is signed in."}),
        refusals=("INVALID_CREDENTIALS", "SECOND_FACTOR_REQUIRED"),
        secured=False,
    ),
    Route(
        method="POST",
        path="/api/auth/refresh",
        kind="sign-in",
        tag=AUTHENTICATION,
        summary="Exchange a refresh token for new tokens",
        operation="refresh",
        body=bodies.REFRESH,
        variables=_body,
        success=OneDocument(SESSION, {200: "New tokens; the old refresh token is no longer valid."}),
        refusals=("INVALID_TOKEN",),
        secured=False,
    ),
    Route(
        method="DELETE",
        path="/api/auth/logout",
        kind="session",
        tag=AUTHENTICATION,
        summary="End the session",
        operation="logout",
        success=NoContent("The session has ended; its tokens are no longer valid."),
        missing=_NO_SESSION,
    ),
    Route(
        method="GET",
        path="/api/auth/me",
        kind="session",
        tag=AUTHENTICATION,
        summary="Read the signed-in user",
        operation="me",
        success=OneDocument(USER, {200: "The signed-in user."}, headers=("ETag",)),
        missing=_NO_SESSION,
        no_store=False,
    ),
    Route(
        method="GET",
        path="/api/accounts",
        kind="accounts",
        tag=ACCOUNTS,
        summary="List accounts",
        operation="list_accounts",
        query=bodies.ACCOUNT_LIST,
        variables=_page,
        success=DocumentPage(ACCOUNT),
    ),
    Route(
        method="POST",
        path="/api/accounts",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Open an account",
        operation="open_account",
        body=bodies.OPEN_ACCOUNT,
        variables=_body,
        success=OneDocument(
            ACCOUNT,
            {201: "The account is open."},
            within="account",
            location="/api/accounts/{id}",
            headers=("Location", "ETag"),
        ),
        refusals=("LIMIT_REACHED",),
    ),
    Route(
        method="GET",
        path="/api/accounts/:id",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Read an account",
        operation="get_account",
        variables=_id,
        success=OneDocument(ACCOUNT, {200: "The account."}, headers=("ETag",)),
        missing=_NO_ACCOUNT,
        closed_is_missing=True,
    ),
    Route(
        method="PUT",
        path="/api/accounts/:id",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Change an account's type, freeze or unfreeze it",
        operation="update_account",
        body=bodies.CHANGE_ACCOUNT,
        variables=_change,
        success=OneDocument(ACCOUNT, {200: "The changed account."}, within="account"),
        missing=_NO_ACCOUNT,
        refusals=("INVALID_ACCOUNT", "CONFLICT"),
        forbidden=True,
        version_from="get_account",
    ),
    Route(
        method="DELETE",
        path="/api/accounts/:id",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Close an account",
        operation="close_account",
        variables=_change,
        success=NoContent("The account is closed."),
        missing=_NO_ACCOUNT,
        refusals=("INVALID_ACCOUNT", "ACCOUNT_NOT_EMPTY", "CONFLICT"),
        forbidden=True,
        version_from="get_account",
    ),
    Route(
        method="GET",
        path="/api/accounts/:id/balance",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Read an account's balance",
        operation="get_balance",
        variables=_id,
        success=OneDocument(BALANCE, {200: "The balance."}, headers=("ETag",)),
        missing=_NO_ACCOUNT,
        closed_is_missing=True,
    ),
    Route(
        method="GET",
        path="/api/accounts/:id/statement",
        kind="accounts",
        tag=ACCOUNTS,
        summary="Read an account's entries in a period, as JSON or CSV",
        operation="get_statement",
        query=bodies.STATEMENT,
        variables=_statement,
        success=StatementPage(),
        missing=_NO_ACCOUNT,
        offers_csv=True,
    ),
    Route(
        method="GET",
        path="/api/transactions",
        kind="transactions",
        tag=TRANSACTIONS,
        summary="List transactions",
        operation="list_transactions",
        query=bodies.TRANSACTION_LIST,
        variables=_page,
        success=DocumentPage(TRANSACTION),
    ),
    Route(
        method="POST",
        path="/api/transactions",
        kind="orders",
        tag=TRANSACTIONS,
        summary="Deposit, withdraw or pay",
        operation="create_transaction",
        choose=_order_operation,
        body=bodies.CREATE_TRANSACTION,
        variables=_order_input,
        success=_NEW_TRANSACTION,
        refusals=_ORDER_REFUSALS,
        forbidden=True,
        moves_money=True,
    ),
    Route(
        method="GET",
        path="/api/transactions/:id",
        kind="transactions",
        tag=TRANSACTIONS,
        summary="Read a transaction",
        operation="get_transaction",
        variables=_id,
        success=OneDocument(TRANSACTION, {200: "The transaction."}, headers=("ETag",)),
        missing=_NO_TRANSACTION,
    ),
    Route(
        method="GET",
        path="/api/transactions/account/:accountId",
        kind="transactions",
        tag=TRANSACTIONS,
        summary="List an account's transactions",
        operation="list_account_transactions",
        query=bodies.TRANSACTION_LIST,
        variables=_page_of_account,
        success=DocumentPage(TRANSACTION, within="transactions"),
        missing=_NO_ACCOUNT,
    ),
    Route(
        method="POST",
        path="/api/transactions/transfer",
        kind="orders",
        tag=TRANSACTIONS,
        summary="Transfer money between accounts",
        operation="transfer",
        body=bodies.TRANSFER,
        variables=_order_input,
        success=_NEW_TRANSACTION,
        refusals=(*_ORDER_REFUSALS, "RECEIVER_UNAVAILABLE", "SAME_ACCOUNT"),
        forbidden=True,
        moves_money=True,
    ),
)
