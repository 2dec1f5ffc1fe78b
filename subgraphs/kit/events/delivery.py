"""Delivers events to a consumer: bounded attempts with growing pauses, and then a dead letter.

Only a mistake in an event or in the consumer makes a dead letter. If the store or another service is not available, the
event is not wrong, so it is delivered again until it succeeds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from servicekit.errors import TimedOut, Unavailable
from subgraphs.kit.events.outbox_reader import TryAgainLater

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.kit.events.bus import Consumer
    from subgraphs.kit.outbox import Event

# How often a consumer gets an event that it cannot process.
MAX_ATTEMPTS: Final = 5
# The pause after the first attempt. Each further pause is twice as long, so the last attempt is 1.5 s after the first.
FIRST_PAUSE_SECONDS: Final = 0.1

# The errors that do not count as attempts.
TEMPORARY: Final = (TryAgainLater, Unavailable, TimedOut)
_log = structlog.stdlib.get_logger("events")


async def deliver(events: Sequence[Event], consumer: Consumer, bury: Callable[[Event, str], Awaitable[None]]) -> None:
    """Deliver events to a consumer, all together first. If this fails, deliver them one by one.

    Args:
        events: the events in their order.
        consumer: the consumer.
        bury: keeps an event as a dead letter, with the reason.

    Raises:
        TryAgainLater, Unavailable, TimedOut: the consumer, or `bury`, needs something that is not available. All
            events must be delivered again.
    """
    if not events:
        return
    try:
        await consumer.handle(events)
    except TEMPORARY:
        raise
    except Exception as error:  # noqa: BLE001 - a consumer may raise anything; it is logged below if it lasts
        failure = error
    else:
        return
    if len(events) == 1:
        await _insist(events[0], failure, consumer, bury)
        return
    for event in events:
        await deliver([event], consumer, bury)


async def _insist(
    event: Event, failure: Exception, consumer: Consumer, bury: Callable[[Event, str], Awaitable[None]]
) -> None:
    """Deliver an event again after its first attempt has failed with `failure`."""
    for attempt in range(1, MAX_ATTEMPTS):
        await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        try:
            await consumer.handle([event])
        except TEMPORARY:
            raise
        except Exception as error:  # noqa: BLE001 - as in `deliver`
            failure = error
        else:
            return
    _log.error("event could not be processed", group=consumer.group, id=event.id, type=event.type, exc_info=failure)
    await consumer.give_up(event)
    await bury(event, f"{type(failure).__name__}: {failure}")
