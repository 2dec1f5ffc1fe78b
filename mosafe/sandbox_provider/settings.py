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
        settle_seconds: how long a payment is pending, and how long after its capture a chargeback comes.
    """

    port: Port = Field(3100, alias="SANDBOX_PROVIDER_PORT")
    key: Secret | None = Field(None, alias="PAYMENT_PROVIDER_KEY")
    settle_seconds: float = Field(2.0, alias="SANDBOX_PROVIDER_SETTLE_SECONDS", ge=0, le=86_400)

    @property
    def settlement(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)

    @property
    def file(self) -> Path:
        return self.data_dir / "sandbox-provider.sqlite3"
