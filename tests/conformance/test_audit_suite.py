"""The published audit suite, if Node.js is installed; `test_graphql_over_http.py` has the same rules without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.gateway import Gateway
from router.settings import read
from tests.conformance.test_graphql_over_http import AUDITS
from tests.interop import node
from tests.router.every_policy.configuration import EVERY_POLICY
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from tests.router.every_policy.running_router import RouterWithEveryPolicy

# The number of audits in graphql-http 1.23.1; fewer results mean that some audits did not run.
COUNT = 61


def test_every_audit_of_graphql_http_is_ok_and_has_a_row_in_our_table() -> None:
    gateway = Gateway.from_supergraph(SDL, read("introspection: true", {}), send=Shop())
    with serving(gateway.asgi) as url:
        audit(f"{url}/graphql")


@pytest.mark.xdist_group(EVERY_POLICY)
def test_every_audit_is_ok_with_every_policy_on(router_with_every_policy: RouterWithEveryPolicy) -> None:
    audit(router_with_every_policy.url)


def audit(url: str) -> None:
    results = node.run("audits.mjs", url)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == COUNT
    assert {result["id"] for result in results} <= {audit.id for audit in AUDITS}
