"""Decides when a request may start: at once, after waiting for other requests, or never.

```
head was read ── fewer requests run than the limit ─────────────────────────────> start
      └── wait ── a request ends, and this is the next that waits ──────────────> start
                    ├── the client's time is over ─────────────────────────────> refused with 503
                    ├── many requests run and wait, and this one has waited
                    │   for `max_wait`, or is the oldest of too many ──────────> refused with 503
                    └── the client closes its connection ──────────────────────> dropped
```

The limit is the smaller one of a number that the application chooses, and of a number that depends on how busy the
processor is (`servicekit.busy_limit`).

While at most `FEW_REQUESTS` run and wait, they start in the order of their arrival, however long this takes: a slow
machine serves a few clients one after the other.

With more, the next one is the oldest while no request has waited for `SHORT_WAIT_SECONDS`: then several arrived
together, and all of them start soon. Otherwise the next one is the newest. So under overload, the requests that are
served have waited for a short time, and not each of them for nearly as long as its client has patience. A request that
waits costs little, and its connection sends no other request meanwhile. So clients that repeat refused requests at once
cannot keep the processor busy with refusals.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from servicekit.busy_limit import BusyLimit, Observation
from servicekit.busy_time import busy_time_of_this_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.asgi import Scope

OBSERVE_SECONDS: Final = 0.05
"""The event loop is observed this often, while requests run."""

SHORT_WAIT_SECONDS: Final = 0.1
"""While no request has waited for this time, they start in the order of their arrival.

The newest first, always, would let one of a few requests wait for all that arrive after it: the slowest responses would
take several times as long as the others although the process is not overloaded.
"""

FEW_REQUESTS: Final = 64
"""The process is not overloaded while no more requests than these run and wait.

A machine that is busy with other processes can keep the processor busy with the requests of a few clients, each of
which waits for its response before it sends the next request. A refusal would only make them repeat the request.
"""

MANY_SECONDS: Final = 1.0
"""The process counts as overloaded for this time after the last request that arrived as one of too many."""

_REPORT_SECONDS: Final = 1.0
"""While requests are refused, a log line counts them this often."""

WAITED: Final = "seconds_waited"
"""The key in the `state` of an ASGI scope for the number of seconds that the request has waited for its start."""

_log = structlog.stdlib.get_logger("server")


class Refusal(msgspec.Struct, frozen=True):
    """A response that is ready to be sent: status line and headers without the last empty line, and the body."""

    head: bytes
    body: bytes


class AdmissionRules(Protocol):
    """What the application decides about its requests. The rules may change between two requests.

    Attributes:
        max_requests: how many requests may run at the same time; None for no limit.
        busy_duration: how many seconds requests may take on average while the processor is busy; None for any time.
    """

    max_requests: int | None
    busy_duration: float | None

    def is_exempt(self, scope: Scope) -> bool:
        """Whether this request never waits."""

    def max_wait(self, scope: Scope) -> float:
        """Return how many seconds this request may wait while the process is overloaded."""

    def client_timeout(self, scope: Scope) -> float:
        """Return how many seconds the client waits for the response, or infinity if the client does not say so."""

    def refuse(self, scope: Scope) -> Refusal:
        """Count this request as refused, and return the response."""


class AdmittedRequest(Protocol):
    """A request whose head was read, as the server knows it."""

    @property
    def scope(self) -> Scope:
        """The ASGI scope of the request."""

    def start(self) -> None:
        """Run the application, and call `RequestAdmission.end` when it has ended."""

    def refuse(self, refusal: Refusal) -> None:
        """Send `refusal` to the client."""

    def is_gone(self) -> bool:
        """Whether the client has closed its connection."""


class _Waiting(msgspec.Struct, frozen=True):
    request: AdmittedRequest
    since: float
    until: float  # while the process is overloaded
    client_until: float


class RequestAdmission:
    """Starts, delays and refuses the requests of one process.

    `rules` returns the rules of the application now, or None while there is no application that has rules. Then every
    request starts at once. At most `max_waiting` requests wait. All methods must be called in the event loop.

    Attributes:
        running: the number of requests that run.
        busy_seconds: returns how long the thread of the event loop was busy so far.
    """

    def __init__(self, rules: Callable[[], AdmissionRules | None], max_waiting: int) -> None:
        self._rules = rules
        self._max_waiting = max_waiting
        self.busy_seconds: Callable[[], float] | None = None
        self._busy_limit = BusyLimit()
        self._waiting: deque[_Waiting] = deque()
        self._observing: asyncio.TimerHandle | None = None
        self._expiring: asyncio.TimerHandle | None = None
        self._many_at = float("-inf")
        self._observed_at = self._busy_before = 0.0
        self._peak = self._ended = self._refused = 0
        self._reported_at = float("-inf")
        self.running = 0

    def status(self) -> dict[str, int | None]:
        """Return how many requests run and wait, and the limit while the processor is busy."""
        limit = self._busy_limit.limit
        waiting = sum(not each.request.is_gone() for each in self._waiting)
        return {"running": self.running, "waiting": waiting, "busy_limit": None if limit is None else int(limit)}

    def enter(self) -> bool:
        """Return whether a request may start now. Then it counts as running until `end` is called."""
        rules = self._rules()
        if rules is not None and not self._has_room(rules):
            return False
        self._count()
        return True

    def wait(self, request: AdmittedRequest) -> None:
        """Start the request later, or refuse it later, because `enter` has returned False."""
        rules, scope, now = self._rules(), request.scope, _now()
        if rules is None or rules.is_exempt(scope):
            self._start(request)
            return
        self._waiting.append(_Waiting(request, now, now + rules.max_wait(scope), now + rules.client_timeout(scope)))
        self._busy_limit.note_waiting(now)
        if self._are_many():
            self._note_overload(now)
        if len(self._waiting) > self._max_waiting:
            self._refuse_oldest()
        if self._expiring is None:
            self._expire_later(now)

    def end(self) -> None:
        """Note that a running request has ended."""
        self.running -= 1
        self._ended += 1
        if self._waiting:
            self._start_waiting()

    def _has_room(self, rules: AdmissionRules) -> bool:
        limit, busy = rules.max_requests, self._busy_limit.limit
        return (limit is None or self.running < limit) and (busy is None or self.running < int(busy))

    def _are_many(self) -> bool:
        rules = self._rules()
        few = FEW_REQUESTS if rules is None or rules.max_requests is None else min(FEW_REQUESTS, rules.max_requests)
        return self.running + len(self._waiting) > few

    def _note_overload(self, now: float) -> None:
        if now - self._many_at >= MANY_SECONDS and self._expiring is not None:
            self._expiring.cancel()  # from now on, requests are refused sooner
            self._expiring = None
        self._many_at = now

    def _is_overloaded(self, now: float) -> bool:
        return now - self._many_at < MANY_SECONDS or self._are_many()

    def _end_of_wait(self, waiting: _Waiting, now: float) -> float:
        return waiting.until if self._is_overloaded(now) else waiting.client_until

    def _count(self) -> None:
        self.running += 1
        self._peak = max(self._peak, self.running)
        if self._observing is None:
            self._begin_observing()

    def _start(self, request: AdmittedRequest) -> None:
        self._count()
        request.start()

    def _start_waiting(self) -> None:
        """Start waiting requests, as many as the limit allows."""
        rules = self._rules()
        while self._waiting and (rules is None or self._has_room(rules)):
            now = _now()
            in_order = not self._is_overloaded(now) or now - self._waiting[0].since < SHORT_WAIT_SECONDS
            waiting = self._waiting.popleft() if in_order else self._waiting.pop()
            request = waiting.request
            if request.is_gone():
                continue
            if now >= self._end_of_wait(waiting, now):
                self._refuse(request)
                continue
            request.scope["state"][WAITED] = now - waiting.since
            self._start(request)

    def _expire_later(self, now: float) -> None:
        # If the client of a later request has less time, this request is refused a little late.
        seconds = max(0.0, self._end_of_wait(self._waiting[0], now) - now)
        if seconds < math.inf:
            self._expiring = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        """Refuse the requests that have waited too long."""
        self._expiring = None
        waiting, now = self._waiting, _now()
        while waiting and (self._end_of_wait(waiting[0], now) <= now or waiting[0].request.is_gone()):
            self._refuse_oldest()
        if waiting and self._expiring is None:  # a refusal may have admitted the next request of its connection
            self._expire_later(now)

    def _refuse_oldest(self) -> None:
        request = self._waiting.popleft().request
        if not request.is_gone():
            self._refuse(request)

    def _refuse(self, request: AdmittedRequest) -> None:
        rules = self._rules()
        if rules is None:
            self._start(request)
            return
        self._refused += 1
        request.refuse(rules.refuse(request.scope))

    def _begin_observing(self) -> None:
        if self.busy_seconds is None:
            self.busy_seconds = busy_time_of_this_thread()
        self._observed_at, self._busy_before = _now(), self.busy_seconds()
        self._ended = 0
        self._observe_later(self.busy_seconds)

    def _observe_later(self, busy_seconds: Callable[[], float]) -> None:
        due = _now() + OBSERVE_SECONDS
        self._observing = asyncio.get_running_loop().call_at(due, self._observe, due, busy_seconds)

    def _observe(self, due: float, busy_seconds: Callable[[], float]) -> None:
        rules, now, busy = self._rules(), _now(), busy_seconds()
        seconds = now - self._observed_at
        if rules is None or rules.busy_duration is None:
            self._busy_limit.remove()
        elif seconds > 0:
            share = (busy - self._busy_before) / seconds
            seen = Observation(now, seconds, share, now - due, self._ended, self._peak)
            self._busy_limit.observe(seen, rules.busy_duration)
        self._observed_at, self._busy_before = now, busy
        self._peak, self._ended = self.running, 0
        self._start_waiting()
        self._report(now)
        if self.running or self._busy_limit.limit is not None or self._refused:
            self._observe_later(busy_seconds)
        else:
            self._observing = None

    def _report(self, now: float) -> None:
        if self._refused and now - self._reported_at >= _REPORT_SECONDS:
            _log.warning("overloaded, requests refused", requests=self._refused, **self.status())
            self._refused, self._reported_at = 0, now


def _now() -> float:
    return asyncio.get_running_loop().time()
