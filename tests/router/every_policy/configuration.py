"""Writes `router.yaml` of this folder, with the files that it names, into the folder of a test.

A variant is the same configuration with a few keys replaced: `apq` and `persisted_documents` exclude each other, and
`introspection: true` switches off the policy that hides the names of the schema. Another configuration, for example
that of the bank, can be merged: then it has all keys of both files.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from tests.router.policies.authentication.issuer import jwk_set

FILE: Final = Path(__file__).parent / "router.yaml"
BANK_FILE: Final = Path(__file__).parents[3] / "router.yaml"
REDIS_VARIABLE: Final = "SHARED_REDIS_URL"
MANIFEST: Final = "manifest.json"

API_KEY: Final = "an-api-key-that-no-log-line-has"
INTERNAL_TOKEN_SECRET: Final = hashlib.sha256(b"shared by the router and its subgraphs").hexdigest()
REVOKED: Final = "mallory"

WITH_INTROSPECTION: Final[dict[str, Any]] = {}
CLOSED: Final[dict[str, Any]] = {
    "introspection": False,
    "apq": {"enabled": False, "redis": None},
    "persisted_documents": {"mode": "measure", "manifests": [MANIFEST], "shared_cache": {"enabled": True}},
}
EVERY_POLICY: Final = "every policy"
CONFIGURATIONS: Final = ("defaults", pytest.param(EVERY_POLICY, marks=pytest.mark.xdist_group(EVERY_POLICY)))
"""For tests that run with the default configuration and with this one. One worker runs all tests of this one."""

VARIANTS: Final = {"with introspection": WITH_INTROSPECTION, "closed": CLOSED}


def write(folder: Path, *others: dict[str, Any]) -> Path:
    """Write the configuration, with `others` merged into it, and return the path of the file."""
    return _write(folder, parsed(FILE), *others)


def _write(folder: Path, *parts: dict[str, Any]) -> Path:
    merged: dict[str, Any] = {}
    for part in parts:
        merged = merge(merged, part)
    (folder / "keys.json").write_text(jwk_set("ec"))
    digest = hashlib.sha256(API_KEY.encode()).hexdigest()
    (folder / "api_keys.json").write_text(json.dumps({digest: {"sub": "reports", "scope": "write"}}))
    (folder / "internal_token_secret.txt").write_text(INTERNAL_TOKEN_SECRET)
    (folder / MANIFEST).write_text("{}")
    with closing(sqlite3.connect(folder / "revoked.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE revoked (id TEXT PRIMARY KEY)")
        connection.execute("INSERT INTO revoked VALUES (?)", (REVOKED,))
    path = folder / "router.yaml"
    path.write_text(json.dumps(merged))  # JSON is YAML, too
    return path


def write_for_bank(folder: Path) -> Path:
    """Write the configuration of the bank with every policy on. Each service has two URLs, as if it had two servers."""
    bank = parsed(BANK_FILE)
    urls = {
        name: [{"from_env": f"{name.upper()}_URL"}, {"from_env": f"SECOND_{name.upper()}_URL"}]
        for name in bank["override_subgraph_url"]
    }
    every_policy = parsed(FILE)
    del every_policy["authorization"]["step_up"]  # it names fields of the shop
    del every_policy["signatures"]  # the services know the key of the bank's configuration only
    # The platform chooses the port.
    own = {"server": {"port": bank["server"]["port"]}, "override_subgraph_url": urls}
    return _write(folder, bank, every_policy, own)


def parsed(path: Path) -> dict[str, Any]:
    """The keys of a configuration file."""
    keys: dict[str, Any] = YAML(typ="safe", pure=True).load(path)
    return keys


def merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """All keys of both. Of a key that both have, lists are joined, and other values are those of `second`."""
    return first | {name: _merged(first[name], value) if name in first else value for name, value in second.items()}


def _merged(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        # A reference to a variable is one value.
        return second if "from_env" in {*first, *second} else merge(first, second)
    return [*first, *second] if isinstance(first, list) and isinstance(second, list) else second
