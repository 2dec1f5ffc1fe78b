"""The settings of the sandbox provider."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time

from pydantic import Field

from bank.settings import BankSettings
from servicekit.settings import Port, Secret


class SandboxProviderSettings(BankSettings):
    """The settings of the sandbox provider.

    Attributes:
        key: the key that callers must send.
        webhook_secret: signs the events that are sent to `webhook_url`; None sends no events.
        webhook_old_secret: signs them too, while the secret is replaced.
        settle_seconds: how long a payment is pending, and how long after its capture a chargeback comes.
    """

    port: Port = Field(3100, alias="SANDBOX_PROVIDER_PORT")
    key: Secret | None = Field(None, alias="PAYMENT_PROVIDER_KEY")
    webhook_url: str = Field(
        "http://127.0.0.1:3003/webhooks/payments", alias="SANDBOX_PROVIDER_WEBHOOK_URL", pattern=r"^https?://"
    )
    webhook_secret: Secret | None = Field(None, alias="PAYMENT_WEBHOOK_SECRET")
    webhook_old_secret: Secret | None = Field(None, alias="PAYMENT_WEBHOOK_OLD_SECRET")
    settle_seconds: float = Field(2.0, alias="SANDBOX_PROVIDER_SETTLE_SECONDS", ge=0, le=86_400)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that sign each event; none if no events are sent."""
        given = (self.webhook_secret, self.webhook_old_secret)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    @property
    def settlement(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)

    @property
    def file(self) -> Path:
        return self.data_dir / "sandbox-provider.sqlite3"
