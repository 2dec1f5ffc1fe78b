"""The script with which Redis counts events by the generic cell rate algorithm (GCRA).

Redis runs no other command while it runs the script, so several processes can share the counts. The script reads the
clock of Redis, so the clocks of the processes may differ. `servicekit.rate_limits` explains the algorithm.

A key has the time at which its debt reaches zero, and after a space the time before which no event is allowed, if there
is one. Times are in microseconds since 1970, which a Lua number holds exactly. Each key expires with its debt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

# KEYS has one key for each count. ARGV has the operation, and then three numbers for each key, which `Use` describes.
# The script returns, for each key, the wait and the debt. All times are in microseconds.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local operation = ARGV[1]

local function read(key)
  local paid_at, ready_at = string.match(redis.call('GET', key) or '', '^(%d+) ?(%d*)$')
  return math.max(0, (tonumber(paid_at) or 0) - now), math.max(0, (tonumber(ready_at) or 0) - now)
end

local function write(key, debt, wait)
  local left = math.max(debt, wait)
  if left < 1 then
    redis.call('DEL', key)
    return
  end
  local value = string.format('%.0f', now + debt)
  if wait > 0 then value = value .. string.format(' %.0f', now + wait) end
  redis.call('SET', key, value, 'PX', math.ceil(left / 1000) + 1)
end

local uses, allowed, result = {}, true, {}
for i, key in ipairs(KEYS) do
  local use = {added = tonumber(ARGV[3 * i - 1]), most = tonumber(ARGV[3 * i]), longest = tonumber(ARGV[3 * i + 1])}
  use.debt, use.ready_in = read(key)
  use.wait = 0
  if operation == 'take' then
    use.wait = use.longest > 0 and use.ready_in or use.debt + use.added - use.most
    if use.wait > 1 then allowed = false else use.wait = 0 end
  end
  uses[i] = use
end
for i, key in ipairs(KEYS) do
  local use = uses[i]
  if operation == 'add' or operation == 'take' and allowed then
    use.debt = use.debt + use.added
    local over, wait = (use.debt - use.most) / use.added, 0
    if use.longest > 0 and over > -0.5 then
      wait = math.min(2 ^ math.min(math.max(0, math.floor(over + 0.5)), 60) * 1000000, use.longest)
    end
    write(key, use.debt, wait)
  elseif operation == 'give back' then
    use.debt = math.max(0, use.debt - use.added)
    write(key, use.debt, 0)
  elseif operation == 'wait turn' then
    if use.debt == 0 then
      use.wait = use.added
      write(key, use.added + use.most, use.added)
    elseif use.ready_in > 0 then
      use.wait = use.ready_in
    else
      write(key, 0, 0)
    end
  end
  result[2 * i - 1], result[2 * i] = use.wait, use.debt
end
return result
"""
_MICROSECONDS: Final = 1_000_000


class Operation(StrEnum):
    """What the script does with the counts. Except for `TAKE`, the counts do not depend on each other."""

    TAKE = "take"
    """Count all events if every count allows its event; otherwise count none."""
    ADD = "add"
    """Count the events even if a limit is exceeded."""
    GIVE_BACK = "give back"
    """Remove the events from the counts, and end the waits that they caused."""
    LEVEL = "level"
    """Only read the counts."""
    WAIT_TURN = "wait turn"
    """Let each key wait once; see `RateLimitStore.wait_turn`."""


@dataclass(frozen=True, slots=True)
class Use:
    """A use of one count. All times are in seconds.

    Attributes:
        key: the key in Redis.
        added: the debt that the event adds. For `WAIT_TURN`, how long the key waits.
        most: the largest debt that the limit allows. For `WAIT_TURN`, how long it is remembered that the key waited.
        longest: if it is not 0, events above `most` are allowed too, after waits that double up to this time.
    """

    key: str
    added: float
    most: float
    longest: float = 0.0


class Counted(NamedTuple):
    """The result for one use: how long the event must wait, and the debt afterwards, in seconds."""

    wait: float
    debt: float


class RateLimitScript:
    """Runs the script in a Redis. Errors of the Redis are raised as the client raises them."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(SCRIPT)

    async def run(self, operation: Operation, uses: Sequence[Use]) -> list[Counted]:
        """Run `operation` for all `uses` at the same moment. Return the results in the same order."""
        times = [time for use in uses for time in (use.added, use.most, use.longest)]
        arguments: list[Any] = [operation.value, *(repr(time * _MICROSECONDS) for time in times)]
        found: Any = await self._script(keys=[use.key for use in uses], args=arguments)
        numbers = [number / _MICROSECONDS for number in found]
        return [Counted(wait, debt) for wait, debt in zip(numbers[::2], numbers[1::2], strict=True)]
