"""Hooks of `test_fuzz_graphql`: the bank's scalars, and a new session before the access token expires."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import schemathesis

import mosafe.schemathesis_hooks  # noqa: F401 - registers the scalars

REST_URL = os.environ["FUZZ_REST_URL"]
CREDENTIALS = json.loads(os.environ["FUZZ_CREDENTIALS"])
# An access token is valid for ten minutes.
REFRESH_SECONDS = 300


@schemathesis.auth(refresh_interval=REFRESH_SECONDS)
class Login:
    def get(self, _case: schemathesis.Case[Any], _context: schemathesis.AuthContext) -> str:
        response = httpx.post(f"{REST_URL}/api/auth/login", json=CREDENTIALS, timeout=30)
        response.raise_for_status()
        token: str = response.json()["accessToken"]
        return token

    def set(self, case: schemathesis.Case[Any], data: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"
