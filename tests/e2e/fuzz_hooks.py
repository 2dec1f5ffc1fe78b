"""Hooks with which schemathesis changes each generated case before it is sent; its process imports this file by name.

Environment variables contain the bank's address, a customer and the customer's accounts; see `test_fuzz_rest`.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import httpx
import schemathesis

from rest_compat.bodies import CREATE_TRANSACTION, TRANSFER
from rest_compat.errors import ValidationFailed

REST_URL = os.environ["FUZZ_REST_URL"]
CREDENTIALS = json.loads(os.environ["FUZZ_CREDENTIALS"])
ACCOUNTS = json.loads(os.environ["FUZZ_ACCOUNTS"])

# The currency of the customer's accounts.
CURRENCY = "EUR"

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_client = httpx.Client(base_url=REST_URL, timeout=30)


@schemathesis.auth(refresh_interval=None)
class FreshLogin:
    """A new session for each case, because a case that logs out would make all later ones 401."""

    def get(self, case: schemathesis.Case[Any], _context: schemathesis.AuthContext) -> str | None:
        if not case.operation.definition.raw["security"]:
            return None
        response = _client.post("/api/auth/login", json=CREDENTIALS)
        response.raise_for_status()
        token: str = response.json()["accessToken"]
        return token

    def set(self, case: schemathesis.Case[Any], data: str | None, _context: schemathesis.AuthContext) -> None:
        if data is not None:
            case.headers["Authorization"] = f"Bearer {data}"


def _real(value: Any) -> Any:
    """Replaces three of four well-formed ids with one of the customer's accounts, because a random id is always a 404.

    The choice depends on the value alone, so that a failing case is reproducible.
    """
    if not isinstance(value, str) or not _OBJECT_ID.fullmatch(value):
        return value
    return [*ACCOUNTS, value][int(value[-1], 16) % (len(ACCOUNTS) + 1)]


def _is_order(body: dict[str, Any]) -> bool:
    """Whether the document accepts the body. A body that must be refused stays as it is."""
    for schema in (CREATE_TRANSACTION, TRANSFER):
        try:
            schema.read(body)
        except ValidationFailed:
            continue
        return True
    return False


@schemathesis.hook
def map_path_parameters(_context: schemathesis.HookContext, path_parameters: Any) -> Any:
    return {name: _real(value) for name, value in (path_parameters or {}).items()}


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Uses the customer's accounts, and in every other order their currency, so that some orders are carried out."""
    if not isinstance(body, dict):
        return body
    order = {name: _real(value) if name.endswith("AccountId") else value for name, value in body.items()}
    if order != body and _is_order(body) and len(body["amount"]) % 2:
        order |= {"amount": "1.00", "currency": CURRENCY}
    return order
