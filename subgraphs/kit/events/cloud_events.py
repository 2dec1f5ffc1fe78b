"""Events as Kafka records: the binary mode of the Kafka protocol binding of CloudEvents 1.0.2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.events.payloads import find_mistake, schema_name
from bank.events.topics import key_of, topic_of
from bank.values import format_timestamp, parse_timestamp
from subgraphs.kit.outbox import Event
from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.kit.outbox import OutboxRow

# The suffix of the topic for events that could not be processed: `accounts.v1.dead-letter` belongs to `accounts.v1`.
DEAD_LETTERS: Final = ".dead-letter"
CONTENT_TYPE: Final = b"application/json"


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record, as a producer sends it.

    Attributes:
        topic: see `bank.events.topics`.
        key: the id of an account. Kafka keeps records with the same key in order.
        value: the event's data as JSON; None only in a dead letter that is not an event.
        headers: the other attributes of the event. `ce_sequence` is the number in the outbox of the source.
        timestamp: the time of the event in milliseconds. Consumers can search for the first record after a time.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


def to_record(row: OutboxRow, service: str) -> Record:
    """Return the record of an event that `service` publishes.

    If the data of the event does not match its schema, the record is for the topic of dead letters, and contains the
    reason.
    """
    event = row.event
    topic, mistake = topic_of(event.type), find_mistake(event.type, event.data)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_source": f"/mosafe/{service}",
        "ce_type": event.type,
        "ce_subject": event.subject,
        "ce_time": format_timestamp(event.time),
        "ce_dataschema": f"urn:mosafe:event:{schema_name(event.type)}",
        "ce_sequence": str(row.sequence),
    }
    if mistake is not None:
        topic, headers["error"] = topic + DEAD_LETTERS, mistake
    return Record(
        topic,
        key_of(event.subject, event.data).encode(),
        json.dumps(event.data, separators=(",", ":"), ensure_ascii=False).encode(),
        [*((name, value.encode()) for name, value in headers.items()), ("content-type", CONTENT_TYPE)],
        to_milliseconds(event.time),
    )


def from_record(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> Event:
    """Return the event of a record.

    Raises:
        ValueError: the record does not contain an event of this platform.
    """
    attributes = {name: text.decode("utf-8", "replace") for name, text in headers}
    try:
        data = json.loads(value or b"")
        event = Event(
            type=attributes["ce_type"],
            subject=attributes["ce_subject"],
            time=parse_timestamp(attributes["ce_time"]),
            data=data,
            id=attributes["ce_id"],
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"not a CloudEvent in binary mode: {error}") from error
    if not isinstance(data, dict):
        raise ValueError("the data is not a JSON object")  # noqa: TRY004 - a value of a sender, not of our program
    return event
