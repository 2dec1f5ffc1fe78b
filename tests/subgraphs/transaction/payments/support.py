"""The sandbox provider in this process, behind a transport that can lose requests and responses."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from mosafe.sandbox_provider.app import create_app
from mosafe.sandbox_provider.settings import SandboxProviderSettings
from servicekit.settings import load
from subgraphs.transaction.payments.http_provider import HttpPaymentProvider
from tests.subgraphs.support import BASE_URL, running
from tests.subgraphs.transaction.support import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

KEY: Final = "Wn0s5qv3yXz9R8b1Lf7uKc2Hd6TgPj4M"


@dataclass
class ProviderTransport(httpx.AsyncBaseTransport):
    """The connection to the provider.

    Attributes:
        lose_requests: how many of the next requests do not arrive.
        lose_responses: how many of the next responses are lost after the request had its effect.
        replies: responses for the next requests, instead of the provider's.
        calls: method and path of each request.
    """

    destination: httpx.AsyncBaseTransport
    lose_requests: int = 0
    lose_responses: int = 0
    replies: list[httpx.Response] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        if self.lose_requests:
            self.lose_requests -= 1
            raise httpx.ConnectError("connection refused", request=request)
        if self.replies:
            return self.replies.pop(0)
        response = await self.destination.handle_async_request(request)
        if self.lose_responses:
            self.lose_responses -= 1
            raise httpx.ReadTimeout("no response", request=request)
        return response


@dataclass
class Sandbox:
    """The running provider. Its clock moves by `clock.advance` only; a payment settles after two seconds."""

    provider: HttpPaymentProvider
    client: httpx.AsyncClient
    transport: ProviderTransport
    clock: Clock


@asynccontextmanager
async def running_sandbox(
    folder: Path,
    clock: Clock | None = None,
    *,
    call_seconds: float = 60.0,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Sandbox]:
    """Run the provider on `folder`; it sends webhooks through `webhook_transport`, if it has a secret for them.

    The deadlines of its client are long, so that a busy machine changes no outcome.
    """
    clock = clock or Clock()
    variables = {"MOSAFE_DATA_DIR": str(folder), "PAYMENT_PROVIDER_KEY": KEY, **(environment or {})}
    async with AsyncExitStack() as stack:
        app: Any = create_app(load(SandboxProviderSettings, variables), clock, webhook_transport)
        await stack.enter_async_context(running(app))
        transport = ProviderTransport(httpx.ASGITransport(app))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers={"authorization": f"Bearer {KEY}"})
        )
        provider = HttpPaymentProvider(client, call_seconds=call_seconds, question_seconds=60.0)
        yield Sandbox(provider, client, transport, clock)
