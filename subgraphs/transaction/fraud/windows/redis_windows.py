"""Windows in Redis, which several processes can share. The script `windows.lua` reads and writes all series.

All keys have the hash tag `{fraud}`, so that a Redis Cluster keeps them on one node. Each key has an expiry. The keys
contain hashes of ids, but no names or texts.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from servicekit.redis_client import close_redis_client, redis_client
from subgraphs.transaction.fraud.windows.protocol import (
    FILLING_MILLISECONDS,
    IDLE_MILLISECONDS,
    REPEAT_MILLISECONDS,
    Observation,
    WindowsUnavailable,
)
from subgraphs.transaction.fraud.windows.series import BILLION, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.transaction.fraud.windows.protocol import Past
    from subgraphs.transaction.fraud.windows.series import Read, Series, Write

PREFIX: Final = "mosafe:{fraud}:"
# After an error, no command is sent to Redis for this time. So further orders do not wait for a Redis that does not
# respond.
PAUSE_SECONDS: Final = 1.0

_SCRIPT: Final = (Path(__file__).parent / "windows.lua").read_text(encoding="utf-8")
# The index of the first series in the list of keys for the script. In Lua, indexes begin with 1.
_FIRST_SERIES: Final = 3


def _new_token() -> int:
    """Return a random number of at most 15 digits. Redis needs little memory for a set of such integers."""
    return secrets.randbits(48)


class RedisWindows:
    """The `Windows` in Redis 6.2 or later. The connection is opened on first use."""

    def __init__(self, url: str, *, timeout: float = 1.0, prefix: str = PREFIX) -> None:
        """`timeout` limits the time for connecting and for each command, in seconds."""
        self._redis = redis_client(url, timeout)
        self._script = self._redis.register_script(_SCRIPT)
        self._prefix = prefix
        self._paused_until = 0.0

    async def observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]
    ) -> Observation:
        request = _Request("observe", at)
        read_series = dict.fromkeys(read.series for read in reads)
        for series in dict.fromkeys([*read_series, *(write.series for write in writes)]):
            request.add(series, is_read=series in read_series)
        request.body["id"] = transaction_id
        request.body["writes"] = [request.write(write) for write in writes]
        request.body["reads"] = [
            {"series": request.places[read.series], "question": read.question, "member": read.member} for read in reads
        ]
        unknown, readings = await self._run(request, transaction_id)
        series_in_order = list(request.places)
        return Observation(
            [_reading(text) for text in readings],
            {series_in_order[int(place)]: token for place, _, token in (text.partition(",") for text in unknown)},
        )

    def observe_at_once(self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read]) -> None:
        """Redis must be awaited."""

    async def fill(self, series: Series, token: str, at: int, history: Sequence[Past]) -> None:
        request = _Request("fill", at)
        request.add(series, is_read=True)
        request.body["token"] = token
        seen: list[str] = []
        slots: dict[int, tuple[int, int]] = {}
        members: dict[str, int] = {}
        for past in history:
            write = past.write
            if not series.is_tally:
                members[write.element] = max(write.at, members.get(write.element, write.at))
            elif write.at + REPEAT_MILLISECONDS >= at:
                seen.append(past.transaction_id)
                request.body["writes"].append({**request.write(write), "seen": _FIRST_SERIES + len(seen)})
            else:
                # An order that is older than `REPEAT_MILLISECONDS` is not observed again, so its id is not needed. Only
                # the sums of such orders are sent.
                count, units = slots.get(write.at // series.slot, (0, 0))
                slots[write.at // series.slot] = (count + 1, units + write.units)
        request.body["slots"] = [
            {"slot": str(slot), "count": count, **_halves(units)} for slot, (count, units) in slots.items()
        ]
        newest = sorted(members.items(), key=lambda item: (item[1], item[0]))[-series.cap :] if members else []
        request.body["members"] = [{"element": element, "at": str(last)} for element, last in newest]
        await self._run(request, "", *seen)

    async def forget_all(self) -> None:
        self._refuse_while_paused()
        try:
            await self._redis.set(f"{self._prefix}generation", str(_new_token()), px=IDLE_MILLISECONDS)
        except (RedisError, OSError, TimeoutError) as error:
            raise self._pause(error) from error

    async def aclose(self) -> None:
        await close_redis_client(self._redis)

    async def _run(self, request: _Request, transaction_id: str, *others: str) -> Any:
        self._refuse_while_paused()
        keys = [
            f"{self._prefix}generation",
            f"{self._prefix}seen:{transaction_id}",
            *(f"{self._prefix}{series.key}" for series in request.places),
            *(f"{self._prefix}seen:{each}" for each in others),
        ]
        try:
            return await self._script(keys=keys, args=[json.dumps(request.body, separators=(",", ":"))])
        except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
            raise self._pause(error) from error

    def _refuse_while_paused(self) -> None:
        if asyncio.get_running_loop().time() < self._paused_until:
            raise WindowsUnavailable("the Redis of REDIS_URL has just failed")

    def _pause(self, error: Exception) -> WindowsUnavailable:
        self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
        # The message of the original error may contain the URL with the password, so it is not used.
        return WindowsUnavailable(f"the Redis of REDIS_URL does not respond: {type(error).__name__}")


@dataclass
class _Request:
    """A request to the script. `places` maps each series to its number in the request, beginning with 1."""

    operation: str
    at: int
    places: dict[Series, int] = field(default_factory=dict)
    token: int = field(default_factory=_new_token)
    body: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.body = {
            "operation": self.operation,
            "at": str(self.at),
            "new_generation": str(self.token),
            "idle": IDLE_MILLISECONDS,
            "repeated": REPEAT_MILLISECONDS,
            "filling": FILLING_MILLISECONDS,
            "series": [],
            "writes": [],
        }

    def add(self, series: Series, *, is_read: bool) -> None:
        first = series.first_slot(self.at) if series.is_tally else self.at - series.span
        self.body["series"].append(
            {
                "key": _FIRST_SERIES + len(self.places),
                "tally": series.is_tally,
                "first": str(first),
                "cap": series.cap,
                "token": str(self.token + len(self.places)),
                "is_read": is_read,
            }
        )
        self.places[series] = len(self.places) + 1

    def write(self, write: Write) -> dict[str, Any]:
        place = {"series": self.places[write.series]}
        if write.series.is_tally:
            return {**place, "slot": str(write.at // write.series.slot), **_halves(write.units)}
        return {**place, "element": write.element, "at": str(write.at)}


def _halves(units: int) -> dict[str, str]:
    high, low = divmod(units, BILLION)
    return {"high": str(high), "low": str(low)}


def _reading(text: str) -> Reading:
    count, high, low, last = text.split(",")
    return Reading(int(count), int(high) * BILLION + int(low), int(float(last)) if last else None)
