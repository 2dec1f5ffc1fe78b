"""A router with a bank behind it, in memory: graphql-core executes the real API schema with the resolvers below.

The schema is that of the checked-in supergraph, so an operation that is not valid for it fails as in production.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo, graphql

from bank import values
from rest_compat.api_schema import api_schema
from rest_compat.graphql_client import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

SUPERGRAPH = Path(__file__).parents[2] / "supergraph.graphql"
SCHEMA = api_schema(SUPERGRAPH.read_text(encoding="utf-8"))

ADA = "018f3c5e-7b1a-7c3d-8e4f-5a6b7c8d9e0f"
NOW = "2026-01-31T09:30:00.000Z"
TOKEN = "Bearer ada"

Json = dict[str, Any]


def account(**changes: object) -> Json:
    return {
        "id": values.new_object_id(),
        "accountNumber": "1234567896",
        "owner": {"id": ADA},
        "balance": "100.00",
        "available": "80.00",
        "held": "20.00",
        "balanceAsOf": NOW,
        "currency": "EUR",
        "status": "ACTIVE",
        "type": "CHECKING",
        "version": 1,
        "createdAt": NOW,
        "updatedAt": NOW,
        **changes,
    }


def transaction(**changes: object) -> Json:
    return {
        "id": values.new_object_id(),
        "amount": "10.00",
        "currency": "EUR",
        "type": "TRANSFER",
        "status": "COMPLETED",
        "source": None,
        "destination": None,
        "metadata": {},
        "createdAt": NOW,
        **changes,
    }


def graphql_error(code: str, message: str = "no", **extensions: object) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, **extensions})


@dataclass
class FakeBank:
    """A bank in memory.

    Attributes:
        responses: root field -> a result that replaces its resolver's.
        errors: GraphQL errors that replace every result.
        calls: the recorded calls: root field, arguments, headers.
        before: awaited before each response.
        before_field: awaited with the name of each root field before its resolver runs.
        now: the end of a statement without `to`.
    """

    accounts: dict[str, Json] = field(default_factory=dict)
    transactions: dict[str, Json] = field(default_factory=dict)
    entries: list[Json] = field(default_factory=list)
    responses: dict[str, object] = field(default_factory=dict)
    errors: list[GraphQLError] = field(default_factory=list)
    calls: list[tuple[str, Json, Mapping[str, str]]] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None
    before_field: Callable[[str], Awaitable[None]] | None = None
    now: str = NOW

    async def send(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        request = json.loads(body)
        if self.before:
            await self.before()
        if self.errors:
            errors = [error.formatted for error in self.errors]
            return HttpResponse(200, {}, json.dumps({"data": None, "errors": errors}).encode())
        result = await graphql(
            SCHEMA,
            request["query"],
            root_value=self._root(headers),
            context_value=headers,
            variable_values=request.get("variables"),
            operation_name=request.get("operationName"),
        )
        return HttpResponse(200, {}, json.dumps(result.formatted).encode())

    def _root(self, headers: Mapping[str, str]) -> Json:
        def root(name: str) -> Callable[..., object]:
            async def resolve(_info: GraphQLResolveInfo[Any], **arguments: Any) -> object:
                if self.before_field:
                    await self.before_field(name)
                self.calls.append((name, arguments, headers))
                if name not in {"register", "login", "refresh"} and headers.get("authorization") != TOKEN:
                    raise graphql_error("UNAUTHENTICATED")
                if name in self.responses:
                    response = self.responses[name]
                    if isinstance(response, Exception):
                        raise response
                    return response
                resolver: Callable[..., object] = getattr(self, f"_{name}")
                return resolver(**arguments)

            return resolve

        return {name: root(name) for name in _ROOTS}

    # --- resolvers, one per root field

    def _me(self) -> Json:
        return {"id": ADA, "email": "ada@example.org", "name": "Ada", "roles": ["CUSTOMER"], "createdAt": NOW}

    def _session(self, **_arguments: Json) -> Json:
        tokens = {"accessToken": "a", "refreshToken": "r", "tokenType": "Bearer", "expiresIn": 600}
        return {"__typename": "Session", "user": self._me(), **tokens}

    _register = _login = _refresh = _session

    def _logout(self) -> Json:
        return {"__typename": "LogoutSuccess", "loggedOutAt": NOW}

    def _account(self, id: str) -> Json | None:  # noqa: A002 - the schema's name
        found = self.accounts.get(id)
        return found and {
            **found,
            "transactions": lambda _info, **page: self._transactions(**page),
            "statement": lambda _info, **period: self._statement(**period),
        }

    def _statement(self, **period: str | None) -> Json:
        if (period.get("to") or self.now) < (period["from"] or ""):
            raise GraphQLError("a period", extensions={"code": "BAD_USER_INPUT", "argument": "to"})
        return {
            "from": period["from"] or NOW,
            "to": period.get("to") or self.now,
            "openingBalance": "100.00",
            "closingBalance": "40.00",
            "entries": lambda _info, **page: _connection(self.entries, **page),
        }

    def _accounts(self, **page: Any) -> Json:
        return _connection(list(self.accounts.values()), **page)

    def _transaction(self, id: str) -> Json | None:  # noqa: A002 - the schema's name
        return self.transactions.get(id)

    def _transactions(self, **page: Any) -> Json:
        return _connection(list(self.transactions.values()), **page)

    def _openAccount(self, input: Json) -> Json:  # noqa: A002, N802 - the schema's names
        made = account(balance="0.00", **input)
        self.accounts[made["id"]] = made
        return {"__typename": "OpenAccountSuccess", "account": made}

    def _changed(self, input: Json) -> Json:  # noqa: A002 - the schema's name
        found = self.accounts.get(input["id"])
        if found is None:
            return invalid_account(input["id"])
        expected = int(input.get("expectedVersion") or found["version"])
        if expected != found["version"]:
            return version_conflict(expected, found["version"])
        change = {name: value for name, value in input.items() if name in {"type", "status"}}
        found |= {**change, "version": found["version"] + 1}
        return {"account": found}

    def _updateAccount(self, input: Json) -> Json:  # noqa: A002, N802 - the schema's names
        return {"__typename": "UpdateAccountSuccess", **self._changed(input)}

    def _closeAccount(self, input: Json) -> Json:  # noqa: A002, N802 - the schema's names
        return {"__typename": "CloseAccountSuccess", **self._changed({**input, "status": "CLOSED"})}

    def _moved(self, kind: str, order: Json) -> Json:
        made = transaction(
            type=kind,
            amount=order["amount"],
            currency=order["currency"],
            metadata=order.get("metadata", {}),
            source=order.get("sourceAccountId") and {"id": order["sourceAccountId"]},
            destination=order.get("destinationAccountId") and {"id": order["destinationAccountId"]},
        )
        self.transactions[made["id"]] = made
        return {"__typename": "TransactionSuccess", "transaction": made, "replayed": False}

    def _transfer(self, input: Json) -> Json:  # noqa: A002 - the schema's name
        return self._moved("TRANSFER", input)

    def _deposit(self, input: Json) -> Json:  # noqa: A002 - the schema's name
        return self._moved("DEPOSIT", input)

    def _withdraw(self, input: Json) -> Json:  # noqa: A002 - the schema's name
        return self._moved("WITHDRAWAL", input)

    def _pay(self, input: Json) -> Json:  # noqa: A002 - the schema's name
        return self._moved("PAYMENT", input)


_ROOTS = [name for type_ in (SCHEMA.query_type, SCHEMA.mutation_type) if type_ for name in type_.fields]


def _connection(nodes: list[Json], first: int = 20, after: str | None = None, **_ignored: object) -> Json:
    """Cursors are positions here; any other text is refused as the services refuse a forged cursor."""
    if after is not None and not after.isdigit():
        raise graphql_error("BAD_USER_INPUT", "`after` is not a cursor of this list", argument="after")
    start = int(after or 0)
    end = start + first
    return {
        "nodes": nodes[start:end],
        "pageInfo": {"hasNextPage": end < len(nodes), "hasPreviousPage": start > 0, "endCursor": f"{end:040d}"},
    }


def problem(type_: str, code: str, **facts: object) -> Json:
    return {"__typename": type_, "code": code, "message": "No", **facts}


def invalid_account(account_id: str, reason: str | None = None) -> Json:
    return problem("InvalidAccount", "INVALID_ACCOUNT", accountId=account_id, reason=reason)


def version_conflict(expected: int, current: int) -> Json:
    return problem("VersionConflict", "CONFLICT", expectedVersion=expected, currentVersion=current)
