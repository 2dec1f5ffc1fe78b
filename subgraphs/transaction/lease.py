"""Leases on running orders: which process carries an order out, and until when (bank §2.9).

The store keeps the lease with the order, so that two processes do not carry out one order at the same time:

```
recorded with a lease --+-- concluded: the lease ends with the same commit
                        +-- outcome unknown, or the process stops: released
                        +-- the process dies: the lease expires, and a reconciler takes the order over
```

A process that runs an order renews the order's lease before it expires. The lease may still expire, if the
process hangs or cannot reach the store. Then two processes may run the order. But no money is lost or moved twice,
because every step of an order may be repeated.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from subgraphs.transaction.domain import TransactionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction

# If a process dies, another process may carry out its orders after this time.
DURATION: Final = timedelta(seconds=10)
# The time between two renewals. Two renewals may fail before a lease expires.
RENEWAL_SECONDS: Final = 3.0
# A lease that ends further in the future than this does not count. The process that set the lease had a clock ahead of
# ours, or our clock was set back afterwards.
MAX_AHEAD: Final = 2 * DURATION


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of `owner` to carry out an order until `expires_at`."""

    owner: str
    expires_at: datetime

    @classmethod
    def take(cls, owner: str, at: datetime) -> Lease:
        """Return the lease that `owner` takes or renews at the time `at`."""
        return cls(owner, at + DURATION)

    def is_live(self, at: datetime) -> bool:
        """Whether the lease keeps other processes from carrying out the order at the time `at`."""
        return at < self.expires_at <= at + MAX_AHEAD


def may_claim(transaction: Transaction, current: Lease | None, at: datetime) -> bool:
    """Whether a process may take over `transaction`: it is PENDING, and its lease, if any, is not live."""
    return transaction.status is TransactionStatus.PENDING and (current is None or not current.is_live(at))
