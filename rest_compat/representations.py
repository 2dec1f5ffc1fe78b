"""The JSON documents in responses (bank §3.3). They are made of the fields that the operations select.

Each representation has a name, a JSON Schema, an example, and the function that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rest_compat import scalars

if TYPE_CHECKING:
    from rest_compat.scalars import JsonSchema

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Representation:
    """One type of document in responses.

    Attributes:
        document: the function that makes the document from a GraphQL object.
    """

    name: str
    document: Callable[[Node], dict[str, Any]]
    properties: Mapping[str, JsonSchema]
    example: Mapping[str, Any]

    @property
    def schema(self) -> JsonSchema:
        return {"type": "object", "properties": self.properties, "required": list(self.properties)}


def reference(representation: Representation) -> JsonSchema:
    return {"$ref": f"#/components/schemas/{representation.name}"}


def _as_selected(*names: str) -> Callable[[Node], dict[str, Any]]:
    return lambda node: {name: node[name] for name in names}


def _id_of(node: Node | None) -> str | None:
    """Return the id of a related object. Return None if there is none, or if the caller may not see it."""
    return None if node is None else node["id"]


def _account(node: Node) -> dict[str, Any]:
    return {
        "id": node["id"],
        "userId": node["owner"]["id"],
        "accountNumber": node["accountNumber"],
        "balance": node["balance"],
        "currency": node["currency"],
        "status": node["status"],
        "type": node["type"],
        "createdAt": node["createdAt"],
        "updatedAt": node["updatedAt"],
    }


def _balance(node: Node) -> dict[str, Any]:
    return {
        "accountId": node["id"],
        "balance": node["balance"],
        "available": node["available"],
        "held": node["held"],
        "currency": node["currency"],
        "asOf": node["balanceAsOf"],
    }


def _transaction(node: Node) -> dict[str, Any]:
    return {
        "id": node["id"],
        "sourceAccountId": _id_of(node["source"]),
        "destinationAccountId": _id_of(node["destination"]),
        "amount": node["amount"],
        "currency": node["currency"],
        "type": node["type"],
        "status": node["status"],
        "metadata": node["metadata"],
        "createdAt": node["createdAt"],
    }


# The schemas allow any text for enum values, because a service may add a value before this layer knows it.
_TEXT: Final[JsonSchema] = {"type": "string"}
_ID: Final = scalars.OBJECT_ID.schema
_MONEY: Final[JsonSchema] = {
    "type": "string",
    "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,4})?$",
    "description": "An exact decimal with the decimals of its currency.",
}
_CURRENCY: Final[JsonSchema] = {"type": "string", "pattern": "^[A-Z]{3}$"}
_TIME: Final[JsonSchema] = {"type": "string", "format": "date-time"}
_USER_ID: Final[JsonSchema] = {"type": "string", "format": "uuid"}


def _open_enum(*known: str) -> JsonSchema:
    return {**_TEXT, "description": f"One of {', '.join(known)}; further values may be added."}


_COUNTERPARTY_ID: Final[JsonSchema] = {
    "anyOf": [_ID, {"type": "null"}],
    "description": "Null if the bank has no such account, or if it belongs to another customer.",
}
_USER_EXAMPLE_ID: Final = "018f3c5e-7b1a-7c3d-8e4f-5a6b7c8d9e0f"
_TIME_EXAMPLE: Final = "2026-01-31T09:30:00.000Z"

USER: Final = Representation(
    "User",
    _as_selected("id", "email", "name", "roles", "createdAt"),
    {
        "id": _USER_ID,
        "email": _TEXT,
        "name": _TEXT,
        "roles": {"type": "array", "items": _open_enum("CUSTOMER", "SUPPORT", "ADMIN")},
        "createdAt": _TIME,
    },
    {
        "id": _USER_EXAMPLE_ID,
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "roles": ["CUSTOMER"],
        "createdAt": _TIME_EXAMPLE,
    },
)

SESSION: Final = Representation(
    "Session",
    lambda node: {
        "user": USER.document(node["user"]),
        **_as_selected("accessToken", "refreshToken", "tokenType", "expiresIn")(node),
    },
    {
        "user": reference(USER),
        "accessToken": _TEXT,
        "refreshToken": _TEXT,
        "tokenType": _TEXT,
        "expiresIn": {"type": "integer", "description": "Seconds until the access token expires."},
    },
    {
        "user": USER.example,
        "accessToken": "<a signed access token>",
        "refreshToken": "<an opaque refresh token>",
        "tokenType": "Bearer",
        "expiresIn": 600,
    },
)

ACCOUNT: Final = Representation(
    "Account",
    _account,
    {
        "id": _ID,
        "userId": _USER_ID,
        "accountNumber": scalars.ACCOUNT_NUMBER.schema,
        "balance": _MONEY,
        "currency": _CURRENCY,
        "status": _open_enum("ACTIVE", "FROZEN", "CLOSED"),
        "type": _open_enum("CHECKING", "SAVINGS", "BUSINESS"),
        "createdAt": _TIME,
        "updatedAt": _TIME,
    },
    {
        "id": scalars.OBJECT_ID.example,
        "userId": _USER_EXAMPLE_ID,
        "accountNumber": scalars.ACCOUNT_NUMBER.example,
        "balance": "100.00",
        "currency": "EUR",
        "status": "ACTIVE",
        "type": "CHECKING",
        "createdAt": _TIME_EXAMPLE,
        "updatedAt": _TIME_EXAMPLE,
    },
)

BALANCE: Final = Representation(
    "Balance",
    _balance,
    {
        "accountId": _ID,
        "balance": _MONEY,
        "available": _MONEY,
        "held": _MONEY,
        "currency": _CURRENCY,
        "asOf": _TIME,
    },
    {
        "accountId": scalars.OBJECT_ID.example,
        "balance": "100.00",
        "available": "80.00",
        "held": "20.00",
        "currency": "EUR",
        "asOf": _TIME_EXAMPLE,
    },
)

STATEMENT_ENTRY: Final = Representation(
    "StatementEntry",
    lambda node: {"transactionId": node["transaction"]["id"], **_as_selected("postedAt", "amount", "balance")(node)},
    {"transactionId": _ID, "postedAt": _TIME, "amount": _MONEY, "balance": _MONEY},
    {
        "transactionId": "6560d1b2c3d4e5f601234999",
        "postedAt": _TIME_EXAMPLE,
        "amount": "-25.00",
        "balance": "75.00",
    },
)

TRANSACTION: Final = Representation(
    "Transaction",
    _transaction,
    {
        "id": _ID,
        "sourceAccountId": _COUNTERPARTY_ID,
        "destinationAccountId": _COUNTERPARTY_ID,
        "amount": _MONEY,
        "currency": _CURRENCY,
        "type": _open_enum("TRANSFER", "DEPOSIT", "WITHDRAWAL", "PAYMENT", "REVERSAL", "FEE"),
        "status": _open_enum("PENDING", "HELD", "COMPLETED", "FAILED", "REVERSED"),
        "metadata": {"type": "object", "additionalProperties": _TEXT},
        "createdAt": _TIME,
    },
    {
        "id": "6560d1b2c3d4e5f601234999",
        "sourceAccountId": scalars.OBJECT_ID.example,
        "destinationAccountId": None,
        "amount": "25.00",
        "currency": "EUR",
        "type": "TRANSFER",
        "status": "COMPLETED",
        "metadata": scalars.METADATA.example,
        "createdAt": _TIME_EXAMPLE,
    },
)

_PAGINATION: Final[JsonSchema] = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer"},
        "nextCursor": {"type": ["string", "null"], "description": "Pass it as `cursor`; null at the end."},
        "hasMore": {"type": "boolean"},
    },
    "required": ["limit", "nextCursor", "hasMore"],
}


def page(representation: Representation, limit: int, connection: Node) -> dict[str, Any]:
    """Return a page of documents for a Relay connection. `limit` is the requested size of the page."""
    info = connection["pageInfo"]
    more: bool = info["hasNextPage"]
    return {
        "data": [representation.document(node) for node in connection["nodes"]],
        "pagination": {"limit": limit, "nextCursor": info["endCursor"] if more else None, "hasMore": more},
    }


def page_schema(representation: Representation) -> JsonSchema:
    return {
        "type": "object",
        "properties": {"data": {"type": "array", "items": reference(representation)}, "pagination": _PAGINATION},
        "required": ["data", "pagination"],
    }


def page_example(representation: Representation) -> Mapping[str, Any]:
    return {
        "data": [representation.example],
        "pagination": {"limit": scalars.DEFAULT_LIMIT, "nextCursor": scalars.CURSOR.example, "hasMore": True},
    }
