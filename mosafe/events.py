"""`mosafe events`: follow the events of the services, and deliver old ones again (docs/events.md)."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from bank.events.topics import ACCOUNTS, EXPORTS, FRAUD, TRANSACTIONS, topic_of
from bank.values import format_timestamp
from servicekit.errors import StartupError
from servicekit.settings import environment, load
from subgraphs.account.exports import worker as exports
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import READABLE_STORES as ACCOUNT_STORES
from subgraphs.kit.events.cloud_events import DEAD_LETTERS, from_record
from subgraphs.kit.events.kafka import KafkaPublisher, records_since
from subgraphs.kit.events.outbox_reader import BATCH_SIZE
from subgraphs.kit.events.relay import NotPublished
from subgraphs.kit.store_factory import SQLITE, open_store
from subgraphs.transaction import notifications
from subgraphs.transaction.settings import TransactionSettings
from subgraphs.transaction.store.factory import STORES as TRANSACTION_STORES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from subgraphs.kit.outbox import Event, Outbox, OutboxRow

# Maps a service to three values: the class of its settings, which has the address of its store; the implementations of
# its store; and the topics of its events.
_SERVICES: Final[Mapping[str, tuple[Any, Any, tuple[str, ...]]]] = {
    "account": (AccountSettings, ACCOUNT_STORES, (ACCOUNTS, EXPORTS)),
    "transaction": (TransactionSettings, TRANSACTION_STORES, (TRANSACTIONS, FRAUD)),
}
_TOPICS: Final = (ACCOUNTS, EXPORTS, TRANSACTIONS, FRAUD)
# Maps a service to the topics of each of its consumer groups.
_GROUPS: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "account": {exports.GROUP: frozenset({EXPORTS})},
    "transaction": {notifications.GROUP: frozenset({TRANSACTIONS})},
}
POLL_SECONDS: Final = 0.2
# How many dead letters of a service are printed: the newest ones.
MAX_DEAD_LETTERS: Final = 1_000
_topic = click.option("--topic", "topics", multiple=True, type=click.Choice(_TOPICS), help="All topics by default.")


class _Time(click.ParamType[datetime]):
    """The type of a command-line option: an RFC 3339 time, such as `2026-01-31T09:30:00Z`, or a date.

    If the text has no offset, the time is in UTC.
    """

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31T09:30:00Z", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@click.group("events")
def command() -> None:
    """Follow the events of the services, and deliver old ones again."""


@command.command("tail")
@_topic
@click.option("--from", "since", type=_Time(), help="Begin with the events of this time; by default with new ones.")
@click.option("--follow/--no-follow", default=True, help="Wait for more events.")
def tail(topics: Sequence[str], since: datetime | None, *, follow: bool) -> None:
    """Print events, one JSON object a line: from Kafka if KAFKA_BROKERS is set, otherwise from the services' stores."""
    environ = environment()
    brokers = load(TransactionSettings, environ).kafka_brokers
    wanted = topics or _TOPICS
    work = _print_outboxes(wanted, since, follow=follow)
    if brokers is not None:
        work.close()
        work = _print_records(brokers, wanted, since, follow=follow)
    asyncio.run(work)


@command.command("replay")
@_topic
@click.option("--from", "since", type=_Time(), required=True, help="Deliver the events from this time on.")
def replay(topics: Sequence[str], since: datetime) -> None:
    """Deliver old events again, with their ids. The stores have the events of the last seven days.

    With KAFKA_BROKERS, the events are published again. Otherwise, the consumer groups of the topics go back to TIME.
    """
    brokers = load(TransactionSettings, environment()).kafka_brokers
    if brokers is None:
        for group, number in asyncio.run(_deliver_again(topics or _TOPICS, since)).items():
            click.echo(f"{group} gets {number} events again")
        return
    try:
        count = asyncio.run(_publish_again(brokers, topics or _TOPICS, since))
    except NotPublished as error:
        raise StartupError(str(error)) from error
    click.echo(f"published {count} events again")


@command.command("dead-letters")
@_topic
def dead_letters(topics: Sequence[str]) -> None:
    """Print the events that consumers could not process, one JSON object a line, with group and reason."""
    brokers = load(TransactionSettings, environment()).kafka_brokers
    wanted = topics or _TOPICS
    work = _print_letters_of_stores(wanted) if brokers is None else _print_letters_of_kafka(brokers, wanted)
    asyncio.run(work)


async def _print_letters_of_stores(topics: Sequence[str]) -> None:
    async with AsyncExitStack() as stack:
        for service, outbox in (await _open(stack, topics)).items():
            for letter in reversed(await outbox.dead_letters(limit=MAX_DEAD_LETTERS)):
                if topic_of(letter.event.type) in topics:
                    _print(letter.event, service, group=letter.group, reason=letter.reason)


async def _print_letters_of_kafka(brokers: str, topics: Sequence[str]) -> None:
    wanted = [topic + DEAD_LETTERS for topic in topics]
    async for record in records_since(brokers, wanted, datetime.fromtimestamp(0, UTC), follow=False):
        headers = {name: text.decode("utf-8", "replace") for name, text in record.headers}
        reason, group = headers.get("error", ""), headers.get("consumer_group", "")
        try:
            event = from_record(record.value, record.headers)
        except ValueError:
            click.echo(f"{record.topic} {record.partition}:{record.offset}: {group}: {reason}", err=True)
            continue
        _print(event, headers.get("ce_source", "").rpartition("/")[2], group=group, reason=reason)


async def _deliver_again(topics: Sequence[str], since: datetime) -> dict[str, int]:
    """Set the positions of the consumer groups back. Return the number of events after the position by group."""
    moved: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        for service, outbox in (await _open(stack, topics)).items():
            later = [row async for row in _rows(outbox, 0) if row.event.time >= since]
            begin = later[0].sequence - 1 if later else await outbox.last_sequence()
            for group, read in _GROUPS[service].items():
                if read & set(topics) and await outbox.set_position(group, begin):
                    moved[group] = sum(topic_of(row.event.type) in read for row in later)
    return moved


async def _publish_again(brokers: str, topics: Sequence[str], since: datetime) -> int:
    count = 0
    async with AsyncExitStack() as stack:
        for service, outbox in (await _open(stack, topics)).items():
            publisher = KafkaPublisher(brokers, service)
            stack.push_async_callback(publisher.close)
            last = 0
            while rows := await outbox.events(after=last, limit=BATCH_SIZE):
                last = rows[-1].sequence
                chosen = [row for row in rows if row.event.time >= since and topic_of(row.event.type) in topics]
                await publisher.publish(chosen)
                count += len(chosen)
    return count


async def _print_outboxes(topics: Sequence[str], since: datetime | None, *, follow: bool) -> None:
    async with AsyncExitStack() as stack:
        outboxes = await _open(stack, topics)
        begin = since or datetime.now(UTC)
        last = dict.fromkeys(outboxes, 0)
        while True:
            for service, outbox in outboxes.items():
                async for row in _rows(outbox, last[service]):
                    last[service] = row.sequence
                    if row.event.time >= begin and topic_of(row.event.type) in topics:
                        _print(row.event, service)
            if not follow:
                return
            await asyncio.sleep(POLL_SECONDS)


async def _rows(outbox: Outbox, after: int) -> AsyncIterator[OutboxRow]:
    while rows := await outbox.events(after=after, limit=BATCH_SIZE):
        for row in rows:
            yield row
        after = rows[-1].sequence


async def _print_records(brokers: str, topics: Sequence[str], since: datetime | None, *, follow: bool) -> None:
    async for record in records_since(brokers, topics, since, follow=follow):
        try:
            event = from_record(record.value, record.headers)
        except ValueError as error:
            click.echo(f"{record.topic} {record.partition}:{record.offset}: {error}", err=True)
            continue
        _print(event, dict(record.headers)["ce_source"].decode().rpartition("/")[2])


async def _open(stack: AsyncExitStack, topics: Sequence[str]) -> dict[str, Outbox]:
    """Open the stores that contain events of `topics`. A store that does not exist is not created."""
    environ = environment()
    found: dict[str, Outbox] = {}
    for service, (settings, stores, own) in _SERVICES.items():
        address = load(settings, environ).store
        if set(own) & set(topics) and (address.scheme != SQLITE or address.sqlite_file.exists()):
            found[service] = await stack.enter_async_context(open_store(address, stores))
    if not found:
        raise StartupError("no service has a store here; MOSAFE_DATA_DIR names the data directory")
    return found


def _print(event: Event, service: str, **more: str) -> None:
    """Print an event in the JSON format of CloudEvents, with `more` members."""
    line = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/mosafe/{service}",
        "type": event.type,
        "subject": event.subject,
        "time": format_timestamp(event.time),
        "datacontenttype": "application/json",
        "data": event.data,
        "topic": topic_of(event.type),
        **more,
    }
    click.echo(json.dumps(line, ensure_ascii=False))
    sys.stdout.flush()
