"""Fills unknown series with the past orders of their user or account."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.fraud.rules.rule import Phase
from subgraphs.transaction.fraud.windows.protocol import Past
from subgraphs.transaction.review import REVIEW_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subgraphs.transaction.fraud.evaluation import Inquiry
    from subgraphs.transaction.fraud.history import History
    from subgraphs.transaction.fraud.order_facts import OrderFacts
    from subgraphs.transaction.fraud.rules.rule import Rule
    from subgraphs.transaction.fraud.windows.protocol import Windows
    from subgraphs.transaction.fraud.windows.series import Scope, Series

# An order may wait for a review before its money moves, at most for this time. The history is searched by the time of
# the order. So the search begins this much earlier than the window.
MAX_REVIEW_MILLISECONDS: Final = int(REVIEW_TIME / timedelta(milliseconds=1))


class Filling:
    """Fills series. If several orders need the same series at the same time, it is filled only once."""

    def __init__(self, windows: Windows, history: History) -> None:
        self._windows = windows
        self._history = history
        self._running: dict[tuple[Series, str], asyncio.Task[None]] = {}

    async def fill(self, inquiry: Inquiry, unknown: Mapping[Series, str], at: int) -> None:
        """Fill the unknown series of an order.

        Args:
            inquiry: the reads of the order, and the rules that need them.
            unknown: maps each series to its token (see `Windows.fill`).
            at: the current time in milliseconds since 1970.

        Raises:
            WindowsUnavailable: the windows do not respond.
            Unavailable: the store does not respond.
        """
        readers = {read.series: rule for rule, place in inquiry.judging for read in inquiry.reads[place]}
        by_scope: defaultdict[Scope, list[_Missing]] = defaultdict(list)
        tasks: dict[asyncio.Task[None], None] = {}
        for series, token in unknown.items():
            running = self._running.get((series, token))
            if running is not None:
                tasks[running] = None
            else:
                by_scope[series.scope].append(_Missing(series, token, readers[series]))
        for missing in by_scope.values():
            task = asyncio.create_task(self._fill_scope(missing, at))
            keys = [(each.series, each.token) for each in missing]
            self._running.update(dict.fromkeys(keys, task))
            task.add_done_callback(partial(self._finished, keys))
            tasks[task] = None
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def _finished(self, keys: Sequence[tuple[Series, str]], task: asyncio.Task[None]) -> None:
        del task
        for key in keys:
            self._running.pop(key, None)

    async def _fill_scope(self, missing: Sequence[_Missing], at: int) -> None:
        since = at - max(each.reach for each in missing)
        async for orders in self._history.orders(missing[0].series.scope, since):
            for order in orders:
                for each in missing:
                    each.collect(order, at)
            if orders and all(each.is_complete(orders[-1], at) for each in missing):
                break
            # Reading a long history takes time. So other tasks of the service get a turn between two batches.
            await asyncio.sleep(0)
        for each in missing:
            await self._windows.fill(each.series, each.token, at, each.history)


@dataclass(slots=True)
class _Missing:
    """A series that is being filled, with the rule that reads the series and the history found so far."""

    series: Series
    token: str
    rule: Rule
    history: list[Past] = field(default_factory=list)
    elements: set[str] = field(default_factory=set)

    @property
    def reach(self) -> int:
        """The age of the oldest order that can be in the series, in milliseconds."""
        return self.series.span + self.series.slot + MAX_REVIEW_MILLISECONDS

    def collect(self, order: OrderFacts, at: int) -> None:
        """Add the writes of a past order to the history of the series."""
        if order.at < at - self.reach or (0 < self.series.cap <= len(self.elements)):
            return
        for phase in self.rule.phases:
            if phase is Phase.SETTLED and order.settled_at is None:
                continue
            for write in self.rule.writes(order, phase):
                if write.series == self.series:
                    self.history.append(Past(order.transaction_id, write))
                    if self.series.cap:
                        self.elements.add(write.element)

    def is_complete(self, oldest: OrderFacts, at: int) -> bool:
        """Whether the series needs no orders that are older than `oldest`."""
        return oldest.at < at - self.reach or 0 < self.series.cap <= len(self.elements)
