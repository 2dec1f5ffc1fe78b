"""Windows in the memory of one process.

Other processes do not see the orders that this process observes. So if several processes use one store of transactions,
they need Redis.
"""

from __future__ import annotations

import itertools
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from subgraphs.transaction.fraud.windows.protocol import (
    FILLING_MILLISECONDS,
    IDLE_MILLISECONDS,
    REPEAT_MILLISECONDS,
    Observation,
)
from subgraphs.transaction.fraud.windows.series import Question, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subgraphs.transaction.fraud.windows.protocol import Past
    from subgraphs.transaction.fraud.windows.series import Read, Series, Write

# The largest number of series in memory, which take about 18 MB. If there are more, some are dropped, and rebuilt when
# they are needed again.
MAX_SERIES: Final = 20_000
# The largest number of transactions that are remembered to recognise a repetition. They take about 7 MB.
MAX_SEEN: Final = 20_000


@dataclass(slots=True)
class _State:
    """The state of one series. `slots` is used for tallies, and `members` for recent series."""

    token: int
    filling_since: int | None
    touched: int
    slots: dict[int, tuple[int, int]] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)


class MemoryWindows:
    """The `Windows` in memory. If there are too many series, those that were used longest ago are dropped."""

    def __init__(self, *, max_series: int = MAX_SERIES, max_seen: int = MAX_SEEN) -> None:
        self._max_series = max_series
        self._max_seen = max_seen
        self._states: OrderedDict[Series, _State] = OrderedDict()
        # Maps the id of a transaction to the time of its first observation, and to the tokens of the tallies in which
        # the transaction is counted.
        self._seen: OrderedDict[str, tuple[int, tuple[int, ...]]] = OrderedDict()
        self._tokens = itertools.count(1)
        self._has_everything = False

    @classmethod
    def of_everything(cls) -> Self:
        """Return windows for a backtest. They observe every order, so no series is unknown or dropped."""
        windows = cls(max_series=sys.maxsize)
        windows._has_everything = True
        return windows

    def __len__(self) -> int:
        """The number of series in memory."""
        return len(self._states)

    async def observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        return self.observe_at_once(transaction_id, at, writes, reads)

    def observe_at_once(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        states = {read.series: self._begin(read.series, at) for read in reads}
        self._write(transaction_id, at, writes, states)
        readings = [_read(read, states[read.series], transaction_id, at) for read in reads]
        unknown = {series: str(state.token) for series, state in states.items() if state.filling_since is not None}
        while len(self._states) > self._max_series:
            self._states.popitem(last=False)
        return Observation(readings, unknown)

    def _write(self, transaction_id: str, at: int, writes: Sequence[Write], found: Mapping[Series, _State]) -> None:
        """Add the writes to the series, except to the tallies in which the transaction is already counted.

        `found` has the states of some series. The others are looked up.
        """
        first_at, counted_in = self._counted_in(transaction_id, at)
        tokens: list[int] = []
        for write in writes:
            state = found.get(write.series) or self._find(write.series, at)
            if state is None:
                continue
            if write.series.slot:
                if state.token in counted_in or state.token in tokens:
                    continue
                tokens.append(state.token)
            _add(state, write)
        if tokens:
            self._seen[transaction_id] = first_at, (*counted_in, *tokens)

    async def fill(self, series: Series, token: str, at: int, history: Sequence[Past]) -> None:
        state = self._find(series, at)
        if state is None or str(state.token) != token or state.filling_since is None:
            return
        for past in history:
            # An order that is older than `REPEAT_MILLISECONDS` is not observed again, so its id is not remembered.
            is_new = series.is_tally and past.write.at + REPEAT_MILLISECONDS >= at
            if not (is_new and self._is_repeated(past.transaction_id, state.token, at)):
                _add(state, past.write)
        state.filling_since = None

    async def forget_all(self) -> None:
        self._states.clear()

    async def aclose(self) -> None:
        self._states.clear()
        self._seen.clear()

    def _find(self, series: Series, at: int) -> _State | None:
        state = self._states.get(series)
        if self._has_everything:
            return state or self._states.setdefault(series, _State(next(self._tokens), None, at))
        if state is None:
            return None
        if state.touched + IDLE_MILLISECONDS < at:
            del self._states[series]
            return None
        state.touched = max(state.touched, at)
        self._states.move_to_end(series)
        return state

    def _begin(self, series: Series, at: int) -> _State:
        """Return the state of a series. If the series is unknown, return a new state, in which it is being filled.

        If filling the series has taken too long, the series counts as unknown.
        """
        state = self._find(series, at)
        is_abandoned = (
            state is not None
            and state.filling_since is not None
            and abs(at - state.filling_since) > FILLING_MILLISECONDS
        )
        if state is None or is_abandoned:
            state = self._states[series] = _State(next(self._tokens), at, at)
        return state

    def _is_repeated(self, transaction_id: str, token: int, at: int) -> bool:
        """Whether the transaction is already counted in the tally `token`. If not, remember that it is counted now."""
        first_at, tokens = self._counted_in(transaction_id, at)
        if token in tokens:
            return True
        self._seen[transaction_id] = first_at, (*tokens, token)
        return False

    def _counted_in(self, transaction_id: str, at: int) -> tuple[int, tuple[int, ...]]:
        """Return the time of the transaction's first observation, and the tokens of the tallies that contain it."""
        while self._seen and (
            len(self._seen) > self._max_seen or next(iter(self._seen.values()))[0] + REPEAT_MILLISECONDS < at
        ):
            self._seen.popitem(last=False)
        # Tuples of numbers take a third of the memory of a set, and the garbage collector does not walk them.
        return self._seen.get(transaction_id, (at, ()))


def _read(read: Read, state: _State, transaction_id: str, at: int) -> Reading:
    series = read.series
    if series.slot:
        return _sum(state.slots, series.first_slot(at))
    begin = at - series.span
    for element in [element for element, last in state.members.items() if last < begin]:
        del state.members[element]
    return _read_members(read, state.members, transaction_id)


def _sum(slots: dict[int, tuple[int, int]], first: int) -> Reading:
    """Return the sums of all slots from `first` on. Delete older slots."""
    count = units = 0
    old: tuple[int, ...] = ()
    for slot, (counted, amount) in slots.items():
        if slot < first:
            old += (slot,)
        else:
            count += counted
            units += amount
    for slot in old:
        del slots[slot]
    return Reading(count, units)


def _add(state: _State, write: Write) -> None:
    series = write.series
    if series.slot:
        slot = write.at // series.slot
        count, units = state.slots.get(slot, (0, 0))
        state.slots[slot] = (count + 1, units + write.units)
        return
    state.members[write.element] = max(write.at, state.members.get(write.element, write.at))
    if len(state.members) > series.cap:
        del state.members[min(state.members, key=lambda element: (state.members[element], element))]


def _read_members(read: Read, members: dict[str, int], transaction_id: str) -> Reading:
    if read.question is Question.MEMBERS:
        return Reading(count=len(members))
    if read.question is Question.LAST:
        return Reading(last=members.get(f"{read.member}|"))
    own, prefix = f"{read.member}|{transaction_id}", f"{read.member}|"
    others = [last for element, last in members.items() if element.startswith(prefix) and element != own]
    return Reading(count=len(others), last=max(others, default=None))
