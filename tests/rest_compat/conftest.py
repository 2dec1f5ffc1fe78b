from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from tests.rest_compat import openapi_check
from tests.rest_compat.fake_bank import SUPERGRAPH, TOKEN, FakeBank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from rest_compat.graphql_client import HttpResponse


class Stage:
    """One application for all tests, because it is slow to create; each test puts its own bank behind it."""

    def __init__(self) -> None:
        self.bank = FakeBank()
        self.app = create_app(RestSettings.model_validate({"REST_SUPERGRAPH": SUPERGRAPH}), self._send)

    async def _send(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return await self.bank.send(headers, body)


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage()


@pytest.fixture
def bank(stage: Stage) -> FakeBank:
    stage.bank = FakeBank()
    return stage.bank


async def _check(response: httpx.Response) -> None:
    await response.aread()
    openapi_check.check(response)


@pytest.fixture
async def anyone(stage: Stage, bank: FakeBank) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token; each response is checked against the OpenAPI document."""
    assert stage.bank is bank
    transport = httpx.ASGITransport(app=stage.app)
    hooks = {"response": [_check]}
    async with httpx.AsyncClient(transport=transport, base_url="http://rest", event_hooks=hooks) as client:
        yield client


@pytest.fixture
def ada(anyone: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, signed in."""
    anyone.headers["authorization"] = TOKEN
    return anyone
