"""The bus: delivers the events of a service to its consumers.

There are two implementations with the same contract: `outbox_bus.OutboxBus` reads the outbox of the service, and
`kafka_bus.KafkaBus` reads Kafka. `tests/subgraphs/kit/events/bus_contract.py` tests both.

- Each event is delivered at least once to each consumer group. A repetition has the same id.
- The events of one account are delivered in their order.
- A group continues where it stopped, also after its process was killed.
- Of several processes with the same group, one gets the events of an account at a time.
- If a consumer fails, it gets the event again; after `delivery.ATTEMPTS`, the event becomes a dead letter and the next
  event is delivered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol, TypeAlias

from subgraphs.kit.outbox import Event

# Processes events in their order. It must have the same effect if it gets an event again, or if it was interrupted.
# If it raises a `ServiceError` that is temporary, or `TryAgainLater`, the events are delivered again until it succeeds.
Handler: TypeAlias = Callable[[Sequence[Event]], Awaitable[None]]


async def _do_nothing(_event: Event) -> None:
    return


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group of a service.

    Attributes:
        group: the name of the group. The position of the group is stored under this name.
        topics: the topics whose events the group gets (`bank.events.topics`). They must be topics of the same service.
        handle: processes events. It must ignore types of events that it does not know.
        give_up: called before an event becomes a dead letter, and also again if the process dies meanwhile.
    """

    group: str
    topics: frozenset[str]
    handle: Handler
    give_up: Callable[[Event], Awaitable[None]] = _do_nothing


class Bus(Protocol):
    """Delivers events to consumers."""

    async def run(self, consumer: Consumer) -> NoReturn:
        """Deliver events to `consumer` until the task is cancelled.

        After the cancellation, another process may continue at once. A failure that lasts is logged only once.
        """
