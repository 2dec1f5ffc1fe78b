"""The settings of the account service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, SecretStr

from bank.secret_file import read_or_create_secret
from servicekit.settings import Port, Secret  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.account.limits import Ceiling, Limits
from subgraphs.account.store.protocol import DEFAULT_LIMITS
from subgraphs.kit.hash_chain import ChainKey
from subgraphs.kit.settings import Brokers, SubgraphSettings, WebSocketUrl
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.kit.store_identity import StorePlace

if TYPE_CHECKING:
    from pathlib import Path


def _check_amounts(text: str) -> str:
    Ceiling.parse(text)
    return text


# A text that `limits.Ceiling.parse` accepts.
Amounts = Annotated[str, AfterValidator(_check_amounts)]


class AccountSettings(SubgraphSettings):
    """Settings of the account service.

    Attributes:
        subscriptions_url: where clients open WebSockets; by default the port on this machine.
        db_url: `sqlite:///path` or `mongodb://…`; by default a file in the data directory.
        max_per_user: the number of accounts, not counting closed ones, that a user may own.
        max_order: the largest amount of an order.
        max_per_day: the largest amount that a user may move on one day.
        max_balance: the highest balance of an account.
        kafka_brokers: the Kafka cluster that gets the events; None publishes none.
        max_per_month: the largest amount that a user may move in one month; None if there is no monthly limit.
        ledger_key: the key of the ledger's hash chains; None selects a file in the data directory.
        receiver_tries: how many wrong receivers a user may name in 15 minutes. A receiver is wrong if it does not exist
            or cannot receive money.
    """

    port: Port = Field(3002, alias="ACCOUNT_PORT")
    subscriptions_url: WebSocketUrl | None = Field(None, alias="ACCOUNT_SUBSCRIPTIONS_URL")
    db_url: SecretStr | None = Field(None, alias="ACCOUNT_DB_URL")
    max_per_user: int = Field(100, alias="ACCOUNT_MAX_PER_USER", ge=1)
    max_order: Amounts = Field(str(DEFAULT_LIMITS.order.default), alias="ACCOUNT_MAX_ORDER")
    max_per_day: Amounts = Field(str(DEFAULT_LIMITS.day.default), alias="ACCOUNT_MAX_PER_DAY")
    max_balance: Amounts = Field(str(DEFAULT_LIMITS.balance.default), alias="ACCOUNT_MAX_BALANCE")
    max_per_month: Amounts | None = Field(None, alias="ACCOUNT_MAX_PER_MONTH")
    ledger_key: Secret | None = Field(None, alias="ACCOUNT_LEDGER_KEY")
    receiver_tries: int = Field(DEFAULT_LIMITS.receiver_tries, alias="ACCOUNT_RECEIVER_TRIES", ge=1)

    kafka_brokers: Brokers | None = Field(None, alias="KAFKA_BROKERS")

    @property
    def websocket_url(self) -> str:
        return self.subscriptions_url or super().websocket_url

    @property
    def limits(self) -> Limits:
        """The limits of every customer."""
        return Limits(
            order=Ceiling.parse(self.max_order),
            day=Ceiling.parse(self.max_per_day),
            balance=Ceiling.parse(self.max_balance),
            receiver_tries=self.receiver_tries,
            month=None if self.max_per_month is None else Ceiling.parse(self.max_per_month),
        )

    def chain_key(self) -> ChainKey:
        """Return the key of the ledger's hash chains.

        Raises:
            StartupError: the file with the key cannot be read or created.
        """
        if self.ledger_key is not None:
            return ChainKey(self.ledger_key.get_secret_value().encode())
        return ChainKey(read_or_create_secret(self._key_file).encode())

    def existing_chain_key(self) -> ChainKey | None:
        """Return the key of the hash chains, or None if there is none. It is not created."""
        return self.chain_key() if self.ledger_key is not None or self._key_file.exists() else None

    @property
    def _key_file(self) -> Path:
        return self.data_dir / "secrets" / "ledger.key"

    @property
    def store(self) -> StoreAddress:
        """The address of the service's store."""
        return StoreAddress(self.db_url, "ACCOUNT_DB_URL", self.data_dir / "account.sqlite3")

    @property
    def place(self) -> StorePlace:
        """The name and the address of the store, and the data directory of the installation."""
        return StorePlace("account", self.store, self.data_dir)

    @property
    def database(self) -> Path:
        """The file of the SQLite store. Raises ConfigurationError when the URL selects another store."""
        return self.store.sqlite_file
