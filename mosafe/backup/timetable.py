"""When backups are made: a cron expression in UTC (`0 3 * * *`), or an interval (`90m`, `6h`, `1d`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

_INTERVAL: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
# The start of intervals. It is the same for all processes, so they agree about the times of backups.
_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The times of backups. Exactly one attribute is set."""

    cron: str | None = None
    interval: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> Timetable:
        """Raises ValueError if `text` is neither an interval nor a cron expression that has a next time."""
        match = _INTERVAL.fullmatch(text.strip())
        if match is not None:
            return cls(interval=int(match[1]) * _UNITS[match[2]])
        found = cls(cron=text.strip())
        found.after(datetime.now(UTC))
        return found

    def after(self, moment: datetime) -> datetime:
        """Return the first time of a backup after `moment`."""
        if self.interval is not None:
            return moment + self.interval - (moment - _ORIGIN) % self.interval
        try:
            return next(CronSim(self.cron or "", moment))
        except (CronSimError, StopIteration) as error:
            raise ValueError(
                f"{self.cron!r} is neither a cron expression such as '0 3 * * *' nor an interval such as 90m, 6h or 1d"
            ) from error
