"""Which backups are kept: the newest one of each of the last days, weeks and months."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

# Maps a period to a function that returns the period of a time (UTC). Weeks are those of ISO 8601.
_PERIODS: Final[Mapping[str, Callable[[datetime], tuple[int, ...]]]] = {
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: tuple(at.isocalendar())[:2],
    "monthly": lambda at: (at.year, at.month),
}
_PART: Final = re.compile(rf"({'|'.join(_PERIODS)})=([0-9]{{1,4}})")


@dataclass(frozen=True, slots=True)
class Retention:
    """How many periods of each kind keep a backup: `{"daily": 7, "weekly": 4}`."""

    counts: Mapping[str, int]

    @classmethod
    def parse(cls, text: str) -> Retention:
        """Raises ValueError if `text` is not of the form `daily=7,weekly=4,monthly=12`."""
        counts: dict[str, int] = {}
        for part in text.split(","):
            match = _PART.fullmatch(part.strip())
            if match is None or match[1] in counts:
                raise ValueError(f"{part.strip()!r} is not one of hourly=N, daily=N, weekly=N, monthly=N, each once")
            counts[match[1]] = int(match[2])
        return cls(counts)

    def kept(self, backups: Mapping[str, datetime]) -> frozenset[str]:
        """Return the ids of the backups to keep. The newest backup is always kept.

        A period without a backup does not count, so old backups do not vanish while no new ones are made.

        Args:
            backups: id → the time of the backup.
        """
        newest_first = sorted(backups, key=lambda backup: (backups[backup], backup), reverse=True)
        found = set(newest_first[:1])
        for period, count in self.counts.items():
            found |= set(_newest_of_periods(newest_first, backups, _PERIODS[period], count))
        return frozenset(found)


def _newest_of_periods(
    newest_first: Iterable[str],
    backups: Mapping[str, datetime],
    period_of: Callable[[datetime], tuple[int, ...]],
    count: int,
) -> Iterable[str]:
    seen: set[tuple[int, ...]] = set()
    for backup in newest_first:
        period = period_of(backups[backup])
        if period not in seen and len(seen) < count:
            seen.add(period)
            yield backup
