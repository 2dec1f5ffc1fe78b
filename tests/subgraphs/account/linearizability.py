"""Checks that a concurrent history of postings and reads could have run one operation after the other.

An operation takes effect at one moment between its call and its return. The checker searches for an order of all
operations that respects this, and in which each operation has the result that it had, on a model with one balance for
each account (the algorithm of Wing and Gong, with the memory of Lowe: a set of done operations together with the state
that they lead to is visited only once).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The balances of all accounts, in minor units, sorted by account.
State = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Operation:
    """An operation of a history.

    Attributes:
        called, returned: the moments of a common clock.
        moves: what the operation adds to each account; empty for a read.
        posted: whether the money moved; None if the result is not known, so that both are possible.
        seen: the balances that a read has returned.
    """

    called: int
    returned: int
    moves: Mapping[str, int] = field(default_factory=dict)
    posted: bool | None = True
    seen: Mapping[str, int] = field(default_factory=dict)

    def results(self, state: State) -> Iterator[State]:
        """Yield the states that the operation may lead to, if it runs in `state` and has its result."""
        balances = dict(state)
        if any(balances[account] != units for account, units in self.seen.items()):
            return
        after = {account: units + self.moves.get(account, 0) for account, units in balances.items()}
        covered = all(units >= 0 for units in after.values())
        if self.posted is not False and covered:
            yield tuple(sorted(after.items()))
        if self.posted is not True and (not covered or self.posted is None):
            yield state


def is_linearizable(history: Sequence[Operation], start: Mapping[str, int]) -> bool:
    """Whether an order of `history` explains all results, beginning with the balances `start`."""
    everything = frozenset(range(len(history)))
    pending = [(frozenset[int](), tuple(sorted(start.items())))]
    visited = set(pending)
    while pending:
        done, state = pending.pop()
        if done == everything:
            return True
        left = everything - done
        # An operation may be the next one only if no other one has returned before it was called.
        first_return = min(history[each].returned for each in left)
        for each in left:
            if history[each].called > first_return:
                continue
            for after in history[each].results(state):
                reached = (done | {each}, after)
                if reached not in visited:
                    visited.add(reached)
                    pending.append(reached)
    return False
