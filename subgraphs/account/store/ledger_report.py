"""The report of a ledger check. All kinds of stores use the same report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from subgraphs.kit.hash_chain import Link, first_broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from subgraphs.account.hash_chain import StoredEntry
    from subgraphs.kit.hash_chain import ChainKey

CHAINS: Final = "the hash chain of each account is unbroken"
# How many examples of a violation are reported. With five examples, an operator can recognise what they have in common.
SHOWN_VIOLATIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant.

    Attributes:
        count: the number of violating rows.
        examples: the columns of the first rows. They contain ids and amounts, but no personal data.
    """

    invariant: str
    count: int
    examples: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The result of `check_ledger`.

    Attributes:
        customer_sums: the sum of the customers' balances for each currency, in minor units.
        internal_sums: the balance of each internal account, by name and currency, in minor units.
        invariants: the invariants that were checked. Without the key of the chains, `CHAINS` is not one of them.
    """

    accounts: int
    posted: int
    refused: int
    entries: int
    customer_sums: dict[str, int]
    internal_sums: dict[tuple[str, str], int]
    violations: tuple[Violation, ...]
    invariants: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.violations


def violation(invariant: str, rows: Sequence[dict[str, Any]]) -> Violation | None:
    """Return a `Violation` with `rows` as its examples. Return None if there are no rows."""
    return Violation(invariant, len(rows), tuple(rows[:SHOWN_VIOLATIONS])) if rows else None


def broken_entries(key: ChainKey, entries: Sequence[StoredEntry]) -> Iterator[dict[str, Any]]:
    """Yield the first broken entry of one account, or nothing. `entries` must be in the order of their positions."""
    broken, last = first_broken(key, entries, Link())
    if broken is not None:
        yield {
            "account_id": broken.account_id,
            "position": last.position + 1,
            "transaction_id": broken.entry.transaction_id,
        }
