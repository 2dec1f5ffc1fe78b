"""Which Kafka topic has which events, and by which key a topic keeps them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNTS: Final = "accounts.v1"
TRANSACTIONS: Final = "transactions.v1"
FRAUD: Final = "fraud.v1"

# The first part of an event's type -> its topic.
TOPICS: Final[Mapping[str, str]] = {"account": ACCOUNTS, "transaction": TRANSACTIONS, "fraud": FRAUD}


def topic_of(event_type: str) -> str:
    """Return the topic of events of a type; for a type of no topic, `unknown`."""
    return TOPICS.get(event_type.partition(".")[0], "unknown")


def key_of(subject: str, data: Mapping[str, object]) -> str:
    """Return the key of an event's record: the account that it is about. Kafka keeps records with one key in order.

    An order with two accounts has the key of the account that pays, so all events of an order have one key.
    """
    for name in ("accountId", "sourceAccountId", "destinationAccountId"):
        if isinstance(account := data.get(name), str):
            return account
    return subject
