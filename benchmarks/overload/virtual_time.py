"""Runs an event loop in virtual time: its clock advances by the processor time that its own callbacks use.

    ┌─> callbacks of the loop        the clock advances by the processor time of this thread
    │   callbacks of its peers       the clock stands still
    └── nothing to do                the clock jumps to the next timer

The peers are a second loop in the same thread: clients and other servers, which talk to the first loop over sockets. So
the first loop behaves as on a machine of its own with infinitely fast peers, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

# A busy kernel delivers data between two sockets of one machine a little later. So before the clock jumps, the loop
# waits for this time, which the clock does not count.
_DELIVERY_SECONDS: Final = 0.2

Events = list[tuple[selectors.SelectorKey, int]]


class VirtualClock:
    """Counts the processor time of this thread, except while the clock is paused."""

    def __init__(self) -> None:
        self._at = self._jumped = 0.0
        self._running_since: float | None = None

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._at if self._running_since is None else self._at + time.thread_time() - self._running_since

    def busy(self) -> float:
        """Return the virtual time without the time that was jumped over."""
        return self.now() - self._jumped

    def pause(self) -> None:
        """Stop the clock."""
        self._at, self._running_since = self.now(), None

    def resume(self) -> None:
        """Let the clock run."""
        self._running_since = time.thread_time()

    def jump_to(self, at: float) -> None:
        """Set a paused clock forward."""
        self._jumped += max(0.0, at - self._at)
        self._at = max(self._at, at)


class _Immediate(selectors.DefaultSelector):
    """A selector that never waits."""

    found = False

    def select(self, timeout: float | None = None) -> Events:
        del timeout
        events: Events = super().select(0)
        self.found = bool(events)
        return events


class PeerLoop(asyncio.SelectorEventLoop):
    """The loop of the peers. `VirtualLoop` runs it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._immediate = _Immediate()
        super().__init__(self._immediate)
        self._clock = clock

    def time(self) -> float:
        """Return the virtual time."""
        return self._clock.now()

    def run_until_idle(self) -> None:
        """Run callbacks until there is nothing to do at this virtual time."""
        outer = asyncio.get_running_loop()
        asyncio._set_running_loop(None)  # noqa: SLF001 - one loop runs inside the other
        try:
            busy = True
            while busy:
                self.call_soon(self.stop)
                self.run_forever()
                busy = self._immediate.found or self._is_due()
        finally:
            asyncio._set_running_loop(outer)  # noqa: SLF001 - the same

    def _is_due(self) -> bool:
        at = self.next_timer()
        return bool(self._ready) or (at is not None and at <= self.time())  # type: ignore[attr-defined]

    def next_timer(self) -> float | None:
        """Return when the next timer fires; None without a timer."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return timers[0].when() if timers else None


class _VirtualSelector(selectors.DefaultSelector):
    def __init__(self, clock: VirtualClock, peers: PeerLoop) -> None:
        super().__init__()
        self._clock, self._peers = clock, peers

    def select(self, timeout: float | None = None) -> Events:
        until = None if timeout is None else self._clock.now() + max(0.0, timeout)
        while True:
            self._clock.pause()
            self._peers.run_until_idle()
            self._clock.resume()
            events: Events = super().select(0)
            if events or (until is not None and self._clock.now() >= until):
                return events
            self._clock.pause()
            events = super().select(_DELIVERY_SECONDS)
            if events:
                self._clock.resume()
                return events
            ends = [at for at in (until, self._peers.next_timer()) if at is not None]
            if not ends:
                raise RuntimeError("neither the loop nor its peers have anything to do")
            self._clock.jump_to(min(ends))
            self._clock.resume()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, with a loop for its peers."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.peers = PeerLoop(self.clock)
        super().__init__(_VirtualSelector(self.clock, self.peers))

    def time(self) -> float:
        """Return the virtual time."""
        return self.clock.now()

    async def run_peer(self, work: Coroutine[object, object, None]) -> None:
        """Run `work` in the loop of the peers, and return when it has ended."""
        ended = self.create_future()
        task = self.peers.create_task(work)
        task.add_done_callback(lambda _task: self.call_soon_threadsafe(ended.set_result, None))
        await ended
        task.result()
