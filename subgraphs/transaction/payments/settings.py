"""Where the payment provider is, and where it sends its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicekit.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr

WEBHOOK_PATH: Final = "/webhooks/payments"


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
