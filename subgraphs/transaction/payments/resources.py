"""Opens the payment provider that the settings choose."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from servicekit.errors import ConfigurationError
from subgraphs.transaction.payments.http_provider import HttpPaymentProvider
from subgraphs.transaction.payments.simulated_provider import SimulatedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import SecretStr

    from subgraphs.transaction.payment_provider import PaymentProvider


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """The address of the payment provider, and the key that it expects.

    If `url` is None, a simulated provider in this process is used.

    Raises:
        ConfigurationError: the address is set without the key.
    """

    url: str | None = None
    key: SecretStr | None = None

    def __post_init__(self) -> None:
        if self.url is not None and self.key is None:
            raise ConfigurationError("PAYMENT_PROVIDER_KEY", "PAYMENT_PROVIDER_URL needs the key of the provider")


@asynccontextmanager
async def open_payment_provider(settings: PaymentSettings) -> AsyncIterator[PaymentProvider]:
    if settings.url is None or settings.key is None:
        yield SimulatedProvider()
        return
    headers = {"authorization": f"Bearer {settings.key.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=settings.url, headers=headers, trust_env=False) as client:
        yield HttpPaymentProvider(client)
