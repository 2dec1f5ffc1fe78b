"""The contract of a bus (`subgraphs/kit/events/bus.py`), for both implementations.

Covers `subgraphs/kit/events/delivery.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bank.events.topics import ACCOUNTS, TRANSACTIONS
from servicekit.errors import Unavailable
from subgraphs.kit.background import in_background
from subgraphs.kit.events.bus import Consumer
from subgraphs.kit.events.delivery import MAX_ATTEMPTS
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from subgraphs.kit.events.bus import Bus
    from subgraphs.kit.outbox import Event


class BusUnderTest(Protocol):
    """A service whose events reach a bus. Several promises are tested on one service, each with its own accounts.

    Attributes:
        accounts: three accounts, as `opened` takes them. The events of others are not for this test.
    """

    accounts: tuple[str, str, str]

    async def append(self, *events: Event) -> None:
        """Commit events of the service."""

    def another_process(self) -> Bus:
        """The bus in another process of the service."""

    async def dead_letters(self, count: int) -> Sequence[tuple[str, str, str]]:
        """Wait for `count` dead letters of the accounts; the event's id, the consumer group, the reason of each."""


Promise: TypeAlias = "Callable[[BusUnderTest], Coroutine[object, object, None]]"


@dataclass
class Memory:
    """A consumer that remembers what it got.

    Attributes:
        accounts: other events are ignored.
        got: the events of all successful calls, in order, with repetitions.
        failing: how often each event, by its version, is not processed.
        error: what is raised then.
        gate: closed while the consumer must not finish.
    """

    accounts: tuple[str, ...]
    name: str = "memory"
    topics: frozenset[str] = frozenset({ACCOUNTS})
    got: list[Event] = field(default_factory=list)
    attempts: defaultdict[object, int] = field(default_factory=lambda: defaultdict(int))
    failing: dict[int, int] = field(default_factory=dict)
    error: Exception = field(default_factory=lambda: ValueError("cannot be processed"))
    given_up: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def group(self) -> str:
        return f"{self.name}-{self.accounts[0]}"

    @property
    def consumer(self) -> Consumer:
        return Consumer(self.group, self.topics, self.handle, self.give_up)

    async def handle(self, events: Sequence[Event]) -> None:
        own = [event for event in events if event.subject[:2] in self.accounts]
        for event in own:
            version = event.data["version"]
            assert isinstance(version, int)
            self.attempts[version] += 1
            if self.failing.get(version, 0) > 0:
                self.failing[version] -= 1
                raise self.error
        if own:
            self.arrived.set()
            await self.gate.wait()
            self.got += own

    async def give_up(self, event: Event) -> None:
        self.given_up.append(event.id)

    @property
    def versions(self) -> Mapping[str, Sequence[object]]:
        """The versions of each account in the order of their first delivery."""
        return versions(self.got)

    async def has(self, count: int) -> None:
        """Wait until there are `count` different events."""
        while len({event.id for event in self.got}) < count:
            await asyncio.sleep(0.005)


def versions(events: Sequence[Event]) -> Mapping[str, Sequence[object]]:
    found: defaultdict[str, dict[str, object]] = defaultdict(dict)
    for event in events:
        found[event.subject[:2]].setdefault(event.id, event.data["version"])
    return {account: list(ids.values()) for account, ids in found.items()}


@asynccontextmanager
async def consuming(bus: Bus, *memories: Memory) -> AsyncIterator[None]:
    if not memories:
        yield
        return
    async with in_background(bus.run(memories[0].consumer)), consuming(bus, *memories[1:]):
        yield


def numbered(accounts: Sequence[str], begin: int, end: int) -> Sequence[Event]:
    """Events with the versions from `begin` and before `end`, of all accounts in turn."""
    return [opened(n, accounts[n % len(accounts)]) for n in range(begin, end)]


def in_order(accounts: Sequence[str], end: int) -> Mapping[str, Sequence[int]]:
    """The versions of `numbered` events from 1 to `end`, by account."""
    return {account: [n for n in range(1, end) if accounts[n % len(accounts)] == account] for account in accounts}


async def each_group_gets_all_events_in_order(under_test: BusUnderTest) -> None:
    accounts = under_test.accounts
    first, second = Memory(accounts), Memory(accounts, "second")
    other_topic = Memory(accounts, "third", frozenset({TRANSACTIONS}))
    await under_test.append(*numbered(accounts, 1, 31))
    async with consuming(under_test.another_process(), first, second, other_topic):
        await first.has(30)
        await under_test.append(*numbered(accounts, 31, 61))
        await first.has(60)
        await second.has(60)
    assert first.versions == second.versions == in_order(accounts, 61)
    assert other_topic.got == []


async def a_group_goes_on_where_it_stopped(under_test: BusUnderTest) -> None:
    account, *_ = under_test.accounts
    memory, later = Memory((account,)), Memory((account,))
    await under_test.append(*numbered([account], 1, 6))
    async with consuming(under_test.another_process(), memory):
        await memory.has(5)
        # The position of an event is saved before the next event is delivered.
        await under_test.append(opened(6, account))
        await memory.has(6)
    await under_test.append(opened(7, account))
    async with consuming(under_test.another_process(), later):
        await later.has(1)
    assert [event.data["version"] for event in later.got] in ([7], [6, 7])


async def an_interrupted_delivery_is_repeated(under_test: BusUnderTest) -> None:
    account, *_ = under_test.accounts
    stopped, memory = Memory((account,)), Memory((account,))
    await under_test.append(*numbered([account], 1, 4))
    stopped.gate.clear()
    async with consuming(under_test.another_process(), stopped):
        await stopped.arrived.wait()
    async with consuming(under_test.another_process(), memory):
        await memory.has(3)
    assert stopped.got == []
    assert memory.versions == {account: [1, 2, 3]}


async def a_failed_event_is_repeated_before_the_next_one(under_test: BusUnderTest) -> None:
    account, *_ = under_test.accounts
    memory = Memory((account,), failing={2: MAX_ATTEMPTS - 1})
    await under_test.append(*numbered([account], 1, 5))
    async with consuming(under_test.another_process(), memory):
        await memory.has(4)
    assert memory.versions == {account: [1, 2, 3, 4]}
    assert memory.attempts[2] == MAX_ATTEMPTS
    assert memory.given_up == []


async def an_event_that_always_fails_becomes_a_dead_letter(under_test: BusUnderTest) -> None:
    account, *_ = under_test.accounts
    memory, other = Memory((account,), failing={2: 1000}), Memory((account,), "other")
    events = numbered([account], 1, 5)
    await under_test.append(*events)
    async with consuming(under_test.another_process(), memory, other):
        await memory.has(3)
        await other.has(4)
        letters = await under_test.dead_letters(1)
    assert memory.versions == {account: [1, 3, 4]}
    # The first attempt may have been that of the whole batch.
    assert memory.attempts[2] in {MAX_ATTEMPTS, MAX_ATTEMPTS + 1}
    assert memory.given_up == [events[1].id]
    assert letters == [(events[1].id, memory.group, "ValueError: cannot be processed")]


async def an_outage_makes_no_dead_letter(under_test: BusUnderTest) -> None:
    account, *_ = under_test.accounts
    memory = Memory((account,), failing={2: 3 * MAX_ATTEMPTS}, error=Unavailable())
    await under_test.append(*numbered([account], 1, 5))
    async with consuming(under_test.another_process(), memory):
        await memory.has(4)
    assert memory.versions == {account: [1, 2, 3, 4]}
    assert memory.attempts[2] == 3 * MAX_ATTEMPTS + 1
    assert memory.given_up == []


async def the_members_of_a_group_share_the_events(under_test: BusUnderTest) -> None:
    """Members come and go; together they get every event, those of an account in order."""
    accounts = under_test.accounts
    chosen = random.Random(7)
    shared: list[Event] = []
    sent = 1
    for _ in range(2):
        members = [Memory(accounts, got=shared), Memory(accounts, got=shared)]
        buses = [under_test.another_process(), under_test.another_process()]
        async with consuming(buses[0], members[0]), consuming(buses[1], members[1]):
            for _ in range(5):
                batch = range(sent, sent + chosen.randint(1, 12))
                sent = batch.stop
                await under_test.append(*numbered(accounts, batch.start, batch.stop))
            await members[0].has(sent - 1)
    assert versions(shared) == in_order(accounts, sent)


CONTRACT: tuple[Promise, ...] = (
    each_group_gets_all_events_in_order,
    a_group_goes_on_where_it_stopped,
    an_interrupted_delivery_is_repeated,
    a_failed_event_is_repeated_before_the_next_one,
    an_event_that_always_fails_becomes_a_dead_letter,
    an_outage_makes_no_dead_letter,
    the_members_of_a_group_share_the_events,
)
