"""The settings of the transaction service."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads annotations at run time
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from servicekit.settings import Port, Secret  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.kit.settings import Brokers, SubgraphSettings, WebSocketUrl
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.kit.store_identity import StorePlace
from subgraphs.transaction.amount_threshold import AmountThreshold
from subgraphs.transaction.fraud.settings import DEADLINE_SECONDS, FraudSettings
from subgraphs.transaction.payments.settings import PaymentSettings
from subgraphs.transaction.review import FourEyes
from subgraphs.transaction.step_up import DEFAULT_MAX_AGE, StepUpRule


def _check_amounts(text: str) -> str:
    AmountThreshold.parse(text)
    return text


class TransactionSettings(SubgraphSettings):
    """Settings of the transaction service.

    Attributes:
        subscriptions_url: where clients open WebSockets; by default the port on this machine.
        db_url: `sqlite:///path`; by default a file in the data directory.
        account_internal_url: the base URL of the account service, whose `/internal/` routes post to the ledger.
        fraud_rules: the YAML file of the fraud rules; by default the bundled one.
        fraud_seconds: how long an order waits for its fraud decision.
        four_eyes_above: the amount above which two persons must approve a HELD order.
        step_up_above: the amount above which a customer must have proved their identity with a second factor; None for
            no amount.
        step_up_seconds: how long ago the customer may have done so.
        provider_url: the base URL of the payment provider; None simulates one in the process.
        provider_key: the key that the provider expects.
        webhook_secret: signs the webhooks of the provider; None serves no route for webhooks.
        webhook_old_secret: is accepted too, while the secret is replaced.
        exchange_rates: the YAML file of the exchange rates; None refuses transfers between currencies.
        kafka_brokers: the Kafka cluster that gets the events; None publishes none.
    """

    port: Port = Field(3003, alias="TRANSACTION_PORT")
    subscriptions_url: WebSocketUrl | None = Field(None, alias="TRANSACTION_SUBSCRIPTIONS_URL")
    db_url: SecretStr | None = Field(None, alias="TRANSACTION_DB_URL")
    account_internal_url: str = Field("http://127.0.0.1:3002", alias="ACCOUNT_INTERNAL_URL", pattern=r"^https?://")
    fraud_rules: Path | None = Field(None, alias="FRAUD_RULES")
    fraud_seconds: float = Field(DEADLINE_SECONDS, alias="FRAUD_SECONDS", gt=0, le=10)
    four_eyes_above: Annotated[str, AfterValidator(_check_amounts)] = Field("10000", alias="REVIEW_FOUR_EYES_ABOVE")
    step_up_above: Annotated[str, AfterValidator(_check_amounts)] | None = Field(
        None, alias="TRANSACTION_STEP_UP_ABOVE"
    )
    step_up_seconds: int = Field(DEFAULT_MAX_AGE, alias="TRANSACTION_STEP_UP_MAX_AGE", ge=30, le=86_400)
    provider_url: str | None = Field(None, alias="PAYMENT_PROVIDER_URL", pattern=r"^https?://")
    provider_key: Secret | None = Field(None, alias="PAYMENT_PROVIDER_KEY")
    webhook_secret: Secret | None = Field(None, alias="PAYMENT_WEBHOOK_SECRET")
    webhook_old_secret: Secret | None = Field(None, alias="PAYMENT_WEBHOOK_OLD_SECRET")
    exchange_rates: Path | None = Field(None, alias="EXCHANGE_RATES")
    kafka_brokers: Brokers | None = Field(None, alias="KAFKA_BROKERS")

    @property
    def websocket_url(self) -> str:
        return self.subscriptions_url or super().websocket_url

    @property
    def fraud(self) -> FraudSettings:
        """The settings of the fraud checks."""
        url = self.redis_url.get_secret_value() if self.redis_url else None
        return FraudSettings(self.fraud_rules, url, self.fraud_seconds)

    @property
    def payments(self) -> PaymentSettings:
        """The settings of the payment provider. Raises ConfigurationError if they are incomplete."""
        return PaymentSettings(self.provider_url, self.provider_key)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets with which webhooks may be signed; none if the service takes no webhooks."""
        given = (self.webhook_secret, self.webhook_old_secret)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    @property
    def four_eyes(self) -> FourEyes:
        """The amounts above which two persons must approve a HELD order."""
        return FourEyes.parse(self.four_eyes_above)

    @property
    def step_up(self) -> StepUpRule:
        """When a customer must prove their identity again."""
        above = None if self.step_up_above is None else AmountThreshold.parse(self.step_up_above)
        return StepUpRule(above, self.step_up_seconds)

    @property
    def store(self) -> StoreAddress:
        """The address of the service's store."""
        return StoreAddress(self.db_url, "TRANSACTION_DB_URL", self.data_dir / "transaction.sqlite3")

    @property
    def place(self) -> StorePlace:
        """The name and the address of the store, and the data directory of the installation."""
        return StorePlace("transaction", self.store, self.data_dir)

    @property
    def database(self) -> Path:
        """The file of the SQLite store. Raises ConfigurationError when the URL selects another store."""
        return self.store.sqlite_file
