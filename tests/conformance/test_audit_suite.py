"""The published audit suite itself, where Node is; `test_graphql_over_http.py` holds the same rules without it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from router.gateway import Gateway
from router.settings import read
from tests.conformance.test_graphql_over_http import AUDITS
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

HERE = Path(__file__).parent
NODE = shutil.which("node")
INSTALLED = (HERE / "node_modules" / "graphql-http").is_dir()


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.skipif(not INSTALLED, reason="npm install --prefix tests/conformance --no-package-lock")
def test_every_audit_of_graphql_http_is_ok_and_has_a_row_in_our_table() -> None:
    gateway = Gateway.from_supergraph(SDL, read("introspection: true", {}), send=Shop())
    with serving(gateway.asgi) as url:
        assert NODE is not None
        done = subprocess.run(
            [NODE, str(HERE / "audits.mjs"), f"{url}/graphql"], capture_output=True, text=True, check=True, timeout=60
        )
    results = json.loads(done.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert {result["id"] for result in results} <= {audit.id for audit in AUDITS}
