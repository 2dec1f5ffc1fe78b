from __future__ import annotations

from pathlib import Path

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.transaction.fraud.settings import FraudSettings
from subgraphs.transaction.settings import TransactionSettings


def test_without_a_url_the_store_is_a_sqlite_file() -> None:
    settings = load(TransactionSettings, {"MOSAFE_DATA_DIR": "/somewhere"})
    assert settings.database == Path("/somewhere/transaction.sqlite3")
    assert settings.port == 3003
    assert settings.account_internal_url == "http://127.0.0.1:3002"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_BROKERS", "kafka"),
        ("REDIS_URL", "http://cache:6379"),
        ("ACCOUNT_INTERNAL_URL", "account:3002"),
        ("TRANSACTION_PORT", "70000"),
    ],
)
def test_a_value_that_is_not_supported_stops_the_start_and_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(TransactionSettings, {variable: value})
    assert caught.value.variable == variable


@pytest.mark.parametrize(
    "url", ["redis", "redis://", "redis://h:port", "redis://h:0", "http://h", "redis://[h", "h:6379"]
)
def test_a_wrong_url_of_redis_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL: a URL such as redis://host") as caught:
        load(TransactionSettings, {"REDIS_URL": f"{url}?hunter2"})
    assert "hunter2" not in str(caught.value)


def test_fraud_rules_and_their_windows() -> None:
    settings = load(TransactionSettings, {"REDIS_URL": "rediss://a:b@cache/2", "FRAUD_RULES": "/rules.yaml"})
    assert settings.fraud == FraudSettings(Path("/rules.yaml"), "rediss://a:b@cache/2", settings.fraud_seconds)
    assert load(TransactionSettings, {}).fraud.redis_url is None


def test_another_store_is_refused_without_showing_its_address() -> None:
    settings = load(TransactionSettings, {"TRANSACTION_DB_URL": "mongodb://user:hunter2@db/transactions"})
    with pytest.raises(ConfigurationError, match="TRANSACTION_DB_URL") as caught:
        _ = settings.database
    assert "hunter2" not in str(caught.value)
