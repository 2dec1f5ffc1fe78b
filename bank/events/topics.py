"""The Kafka topic and the record key of each event. Kafka keeps the events with one key in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNTS: Final = "accounts.v1"
TRANSACTIONS: Final = "transactions.v1"
FRAUD: Final = "fraud.v1"
EXPORTS: Final = "exports.v1"

# Maps the first part of an event type to its topic: events of the type `account.posted` are in `ACCOUNTS`.
TOPICS: Final[Mapping[str, str]] = {"account": ACCOUNTS, "transaction": TRANSACTIONS, "fraud": FRAUD, "export": EXPORTS}


def topic_of(event_type: str) -> str:
    """Return the topic of an event type, or `unknown` if no topic has this type."""
    return TOPICS.get(event_type.partition(".")[0], "unknown")


def accounts_of(data: Mapping[str, object]) -> frozenset[str]:
    """Return the ids of the accounts that an event concerns."""
    values = (data.get(name) for name in ("accountId", "sourceAccountId", "destinationAccountId"))
    return frozenset(value for value in values if isinstance(value, str))


def key_of(subject: str, data: Mapping[str, object]) -> str:
    """Return the Kafka key of an event: the id of the event's account, or `subject` if the event has no account.

    If an order has two accounts, the key is the id of the paying account. So all events of an order have the same key.
    """
    for name in ("accountId", "sourceAccountId", "destinationAccountId"):
        if isinstance(account := data.get(name), str):
            return account
    return subject
