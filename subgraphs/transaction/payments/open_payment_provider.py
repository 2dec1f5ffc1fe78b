"""Opens the payment provider that the settings choose."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from subgraphs.transaction.payments.http_provider import HttpPaymentProvider
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.transaction.payment_provider import PaymentProvider
    from subgraphs.transaction.payments.settings import PaymentSettings


@asynccontextmanager
async def open_payment_provider(settings: PaymentSettings) -> AsyncIterator[PaymentProvider]:
    if settings.url is None or settings.key is None:
        yield SimulatedProvider()
        return
    headers = {"authorization": f"Bearer {settings.key.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=settings.url, headers=headers, trust_env=False) as client:
        yield HttpPaymentProvider(client)
