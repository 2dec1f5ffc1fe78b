"""Requests that start, wait and are refused, on a virtual clock."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest
from structlog.testing import capture_logs

from servicekit.busy_limit import MIN_LIMIT
from servicekit.request_admission import FEW_REQUESTS, SHORT_WAIT_SECONDS, WAITED, Refusal, RequestAdmission
from tests.router.transport.simulation import simulate

if TYPE_CHECKING:
    from servicekit.asgi import Scope
    from tests.router.transport.simulation import VirtualClockLoop

REFUSAL = Refusal(b"HTTP/1.1 503 Service Unavailable\r\n", b"")


class Rules:
    """Rules that the test changes."""

    def __init__(self, max_requests: int | None = None, busy_duration: float | None = None, wait: float = 0.5) -> None:
        self.max_requests = max_requests
        self.busy_duration = busy_duration
        self.wait = wait

    def is_exempt(self, scope: Scope) -> bool:
        return bool(scope.get("exempt"))

    def max_wait(self, scope: Scope) -> float:
        patience: float = scope.get("patience", self.wait)
        return min(self.wait, patience)

    def client_timeout(self, scope: Scope) -> float:
        patience: float = scope.get("patience", math.inf)
        return patience

    def refuse(self, scope: Scope) -> Refusal:
        del scope
        return REFUSAL


class Request:
    """A request, and what became of it: `outcome` is None while it waits."""

    def __init__(self, **scope: Any) -> None:
        self.scope: Scope = {"state": {}, **scope}
        self.outcome: str | None = None
        self.gone = False
        self.at = asyncio.get_running_loop().time()
        self.ended = asyncio.Event()

    def start(self) -> None:
        self.outcome = "started"

    def refuse(self, refusal: Refusal) -> None:
        assert refusal is REFUSAL
        self.outcome = "refused"

    def is_gone(self) -> bool:
        return self.gone


def admitted(admission: RequestAdmission, **scope: Any) -> Request:
    request = Request(**scope)
    admit(admission, request)
    return request


def admit(admission: RequestAdmission, request: Request) -> None:
    if admission.enter():
        request.start()
    else:
        admission.wait(request)


def admission_of(rules: Rules | None, max_waiting: int = 100) -> RequestAdmission:
    admission = RequestAdmission(lambda: rules, max_waiting)
    admission.busy_seconds = lambda: 0.0
    return admission


def test_a_request_above_the_limit_starts_when_another_ends() -> None:
    async def work() -> None:
        admission = admission_of(Rules(2))
        first, second, third = (admitted(admission) for _ in range(3))
        assert [each.outcome for each in (first, second, third)] == ["started", "started", None]
        await asyncio.sleep(0.2)
        admission.end()
        assert third.outcome == "started"
        assert third.scope["state"][WAITED] == pytest.approx(0.2)
        assert WAITED not in first.scope["state"]

    simulate(work)


def test_requests_that_wait_for_a_short_time_start_in_their_order() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1))
        admitted(admission)
        older, newer = admitted(admission), admitted(admission)
        await asyncio.sleep(SHORT_WAIT_SECONDS / 2)
        admission.end()
        assert (older.outcome, newer.outcome) == ("started", None)

    simulate(work)


def test_once_a_request_has_waited_longer_the_newest_starts_first() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1))
        admitted(admission)
        older = admitted(admission)
        await asyncio.sleep(SHORT_WAIT_SECONDS + 0.01)
        newer = admitted(admission)
        admission.end()
        assert (older.outcome, newer.outcome) == (None, "started")

    simulate(work)


def test_a_request_that_has_waited_too_long_is_refused() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1, wait=0.5))
        admitted(admission)
        early = admitted(admission)
        await asyncio.sleep(0.3)
        late = admitted(admission)
        await asyncio.sleep(0.25)
        assert (early.outcome, late.outcome) == ("refused", None)
        await asyncio.sleep(0.3)
        assert late.outcome == "refused"
        admission.end()
        assert admission.status() == {"running": 0, "waiting": 0, "busy_limit": None}

    simulate(work)


def test_a_request_whose_client_has_no_more_time_is_not_started() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1))
        admitted(admission)
        patient, hasty = admitted(admission), admitted(admission, patience=0.1)
        await asyncio.sleep(0.2)
        admission.end()
        assert (patient.outcome, hasty.outcome) == ("started", "refused")

    simulate(work)


def test_a_request_whose_client_is_gone_is_neither_started_nor_refused() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1))
        admitted(admission)
        first, second, third = (admitted(admission) for _ in range(3))
        second.gone = third.gone = True
        assert admission.status()["waiting"] == 1
        admission.end()
        assert [each.outcome for each in (first, second, third)] == ["started", None, None]

    simulate(work)


def test_if_too_many_wait_the_oldest_is_refused() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1), max_waiting=2)
        admitted(admission)
        waiting = [admitted(admission) for _ in range(3)]
        assert [each.outcome for each in waiting] == ["refused", None, None]

    simulate(work)


def test_exempt_requests_and_those_without_rules_start_at_once() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1))
        admitted(admission)
        assert admitted(admission, exempt=True).outcome == "started"
        assert admitted(admission).outcome is None
        unlimited = admission_of(None)
        assert [admitted(unlimited).outcome for _ in range(3)] == ["started"] * 3

    simulate(work)


def test_a_higher_limit_of_new_rules_holds_at_once() -> None:
    async def work() -> None:
        rules = Rules(1)
        admission = admission_of(rules)
        admitted(admission)
        waiting = admitted(admission)
        rules.max_requests = 2
        await asyncio.sleep(0.1)
        assert waiting.outcome == "started"

    simulate(work)


def test_refusals_are_counted_in_the_log() -> None:
    async def work() -> None:
        admission = admission_of(Rules(1, wait=0.1))
        admitted(admission)
        for _ in range(30):
            admitted(admission)
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        admission.end()

    with capture_logs() as lines:
        simulate(work)
    assert {line["event"] for line in lines} == {"overloaded, requests refused"}
    assert sum(line["requests"] for line in lines) == 30
    assert 3 <= len(lines) <= 5


class Processor:
    """A processor that works on all started requests in turn, `cost` seconds for each, in slices."""

    SLICES = 4

    def __init__(self, admission: RequestAdmission, cost: float) -> None:
        self._admission, self._cost = admission, cost
        self._ready: deque[tuple[Request, int]] = deque()
        self._work = asyncio.Event()
        self.busy = 0.0
        self.seconds: dict[str, list[float]] = {"started": [], "refused": []}
        admission.busy_seconds = lambda: self.busy

    def send(self, at: float) -> None:
        """A new request, which the client sent at `at`."""
        request = _Worked(self)
        request.at = at
        admit(self._admission, request)

    async def respond(self) -> None:
        """Send a request, and wait until it has a response of any kind."""
        request = _Worked(self)
        admit(self._admission, request)
        await request.ended.wait()

    def add(self, request: Request) -> None:
        self._ready.append((request, self.SLICES))
        self._work.set()

    def note(self, request: Request) -> None:
        self.seconds[request.outcome or ""].append(asyncio.get_running_loop().time() - request.at)
        request.ended.set()

    async def run(self) -> None:
        """Work until cancelled. As in an event loop, timers run only after one slice of each ready request."""
        loop = cast("VirtualClockLoop", asyncio.get_running_loop())
        while True:
            await self._work.wait()
            slices = len(self._ready)
            loop.now += slices * self._cost / self.SLICES
            self.busy += slices * self._cost / self.SLICES
            for _ in range(slices):
                request, left = self._ready.popleft()
                if left > 1:
                    self._ready.append((request, left - 1))
                else:
                    self.note(request)
                    self._admission.end()
            if not self._ready:
                self._work.clear()
            await asyncio.sleep(0)


class _Worked(Request):
    def __init__(self, processor: Processor) -> None:
        super().__init__()
        self._processor = processor

    def start(self) -> None:
        super().start()
        self._processor.add(self)

    def refuse(self, refusal: Refusal) -> None:
        super().refuse(refusal)
        self._processor.note(self)


async def load(processor: Processor, rate: float, seconds: float, seed: int = 1) -> None:
    random, loop = Random(seed), asyncio.get_running_loop()
    due = loop.time()
    end = due + seconds
    while due < end:
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        processor.send(due)
        due += random.expovariate(rate)


PATIENCE = 2.0


def served_at_three_times_the_capacity(rules: Rules, cost: float, seconds: float) -> tuple[float, list[float]]:
    """The share of the processor's time that went into responses in time, and the durations of all requests served."""

    async def work() -> Processor:
        processor = Processor(admission_of(rules, 250), cost)
        task = asyncio.create_task(processor.run())
        await load(processor, 3 / cost, seconds)
        task.cancel()
        return processor

    durations = sorted(simulate(work).seconds["started"])
    return sum(each < PATIENCE for each in durations) * cost / seconds, durations


@pytest.mark.parametrize(("cost", "seconds"), [(0.002, 8), (0.0005, 3)])
def test_at_three_times_the_capacity_the_processor_works_for_clients_that_wait(cost: float, seconds: float) -> None:
    goodput, durations = served_at_three_times_the_capacity(Rules(busy_duration=0.25), cost, seconds)
    assert goodput > 0.95
    assert durations[len(durations) // 2] < 0.6
    assert durations[int(len(durations) * 0.99)] < 1.5


def test_without_the_limit_it_works_for_clients_that_have_gone() -> None:
    goodput, _ = served_at_three_times_the_capacity(Rules(busy_duration=None), 0.002, 8)
    assert goodput < 0.5


def test_a_few_clients_of_a_slow_machine_are_never_refused() -> None:
    """Each of them sends its next request when it has the response to the last one. Then they are served in turn."""

    async def work() -> Processor:
        processor = Processor(admission_of(Rules(busy_duration=0.25)), cost=0.07)
        task = asyncio.create_task(processor.run())

        async def client() -> None:
            for _ in range(20):
                await processor.respond()

        await asyncio.gather(*(client() for _ in range(FEW_REQUESTS)))
        task.cancel()
        return processor

    seconds = simulate(work).seconds
    assert seconds["refused"] == []
    assert len(seconds["started"]) == 20 * FEW_REQUESTS
    fair = FEW_REQUESTS * 0.07
    assert max(seconds["started"]) < 1.5 * fair


def test_a_few_requests_wait_as_long_as_their_clients() -> None:
    async def work() -> None:
        admission = admission_of(Rules(busy_duration=0.25))
        admission.busy_seconds = asyncio.get_running_loop().time
        for _ in range(MIN_LIMIT + 1):
            admitted(admission)
        await asyncio.sleep(1)
        assert admission.status()["busy_limit"] == MIN_LIMIT
        patient, hasty, newest = admitted(admission), admitted(admission, patience=2), admitted(admission)
        await asyncio.sleep(3)
        assert {each.outcome for each in (patient, hasty, newest)} == {None}
        admission.end()
        admission.end()
        assert [each.outcome for each in (patient, hasty, newest)] == ["started", None, None]
        admission.end()
        assert [each.outcome for each in (patient, hasty, newest)] == ["started", "refused", "started"]

    simulate(work)


def test_no_request_is_refused_a_second_after_the_overload() -> None:
    async def work() -> Counter[str | None]:
        processor = Processor(admission_of(Rules(busy_duration=0.25), 250), 0.002)
        task = asyncio.create_task(processor.run())
        await load(processor, 1_500, 5)
        await asyncio.sleep(1)
        processor.seconds = {"started": [], "refused": []}
        await load(processor, 400, 5)
        await asyncio.sleep(1)
        task.cancel()
        assert max(processor.seconds["started"]) < 0.25
        return Counter({outcome: len(seconds) for outcome, seconds in processor.seconds.items()})

    outcomes = simulate(work)
    assert outcomes["refused"] == 0
    assert outcomes["started"] > 1_500


def test_many_requests_that_wait_for_other_servers_are_not_limited() -> None:
    async def work() -> set[str | None]:
        admission = admission_of(Rules(busy_duration=0.25))
        requests = []
        for _ in range(2_000):
            requests.append(admitted(admission))
            await asyncio.sleep(0.001)
        return {request.outcome for request in requests}

    assert simulate(work) == {"started"}
