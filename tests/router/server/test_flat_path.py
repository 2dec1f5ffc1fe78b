"""The fast path of `router serve` is taken with the policies that most installations use.

A request takes it if one pass reads and answers it (`DirectRequests`), compiled code executes its plan, the requests of
the plan run in a line without tasks, and each is sent as an encoded body.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from router.gateway import Gateway
from router.pipeline.compile_frequent_plans import COMPILE_AFTER
from router.preparation.preparing_thread import PREPARING_THREAD
from router.settings import read
from tests.router.policies.authentication.issuer import settings as of_issuer
from tests.router.policies.authentication.issuer import token
from tests.router.server.test_direct_requests import Case, Direct, serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from pathlib import Path

HEADER_RULES = """
headers:
  all: {request: [{propagate: {named: x-tenant}}, {insert: {name: x-from, value: router}}]}
  subgraphs: {orders: {request: [{propagate: {matching: "^x-trace-.*"}}]}}
"""
LIMITS = "limits: {depth: 10, height: 50, root_fields: 5, aliases: 5, body_bytes: 5000, header_bytes: 8000}\n"


async def executions(text: str, headers: str) -> tuple[Gateway, list[bool]]:
    """Send a query several times before and after its plan is compiled. Return what was processed in one pass."""
    gateway = Gateway.from_supergraph(SDL, read(text, {}), send=Shop())
    direct = Direct(gateway)
    async with serving(gateway, direct) as connect:
        for _ in range(COMPILE_AFTER + 2):
            client = await connect()
            await client.say(Case(headers=headers).sent())
            response = await client.rest()
            assert response.startswith(b"HTTP/1.1 200 "), response
            assert json.loads(response.partition(b"\r\n\r\n")[2])["data"]["me"]["orders"]
            PREPARING_THREAD.submit(lambda: None).result()  # waits until the plan is compiled
    return gateway, direct.taken


SHARING = "traffic: {share_operations: true, all: {share_queries: all}}\n"


@pytest.mark.parametrize("sharing", ["", SHARING])
@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_usual_request_takes_it(tmp_path: Path, is_strict: bool, sharing: str) -> None:  # noqa: FBT001  (a parameter)
    text = (of_issuer(tmp_path) + "\n" + HEADER_RULES + LIMITS if is_strict else "") + sharing
    headers = f"authorization: Bearer {token()}\r\nx-tenant: a\r\nx-trace-of: b\r\n" if is_strict else ""
    gateway, taken = await executions(text, headers)
    assert taken == [True] * (COMPILE_AFTER + 2)
    assert gateway.compiled_plans.counts == (2, COMPILE_AFTER, 0)
    ((_, usage),) = gateway.compiled_plans.cache.most_used(2)
    assert usage.program is not None
    assert usage.program.line is not None
    assert not gateway.stages.changes_fetches, "the bodies of requests are not made from variables again"
