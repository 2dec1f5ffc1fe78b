"""Decides about orders within a deadline. If anything fails, a configured default decides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from servicekit.errors import Unavailable
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.fraud.decision import Unavailability
from subgraphs.transaction.fraud.evaluation import contributions, decide_without_rules, inquire, judge
from subgraphs.transaction.fraud.order_facts import OrderFacts
from subgraphs.transaction.fraud.rules.rule import Phase
from subgraphs.transaction.fraud.windows.filling import Filling
from subgraphs.transaction.fraud.windows.protocol import WindowsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.fraud.evaluation import Inquiry
    from subgraphs.transaction.fraud.history import History
    from subgraphs.transaction.fraud.live_rules import CurrentRules
    from subgraphs.transaction.fraud.rules.rule_set import RuleSet
    from subgraphs.transaction.fraud.windows.protocol import Observation, Windows
    from subgraphs.transaction.fraud.windows.series import Read, Reading, Write

T = TypeVar("T")

# How many orders may wait for windows that do not respond. Further orders immediately get the configured default.
MAX_WAITING: Final = 200
# How often lost series are filled for one order. A series can be lost again while it is filled, but hardly several
# times in a row. So after this number of attempts, the windows count as unavailable.
_MAX_ATTEMPTS: Final = 3

_log = structlog.stdlib.get_logger("fraud")


class FraudChecks:
    """Decides about orders by the current rules.

    An order that cannot be judged within the deadline gets the configured default. The order is counted later, when the
    windows respond. If the windows fail, orders may be missing in them. So the windows are then rebuilt from the store.
    """

    def __init__(
        self,
        rules: CurrentRules,
        windows: Windows,
        history: History,
        *,
        deadline: float,
        clock: Callable[[], datetime],
    ) -> None:
        """`deadline` is in seconds. `clock` should be a `CautiousClock`.

        If the clock jumped ahead, orders would seem too old, and the windows would forget them.
        """
        self._rules = rules
        self._windows = windows
        self._filling = Filling(windows, history)
        self._deadline = deadline
        self._clock = clock
        self._tasks: set[asyncio.Task[object]] = set()
        # Whether orders may be missing in the windows. This is true after the start of the process, and after a failure
        # of the windows.
        self._is_incomplete = True
        self._forgetting = asyncio.Lock()
        self._defaults_in_a_row = 0
        self.defaults = 0
        """How many orders got the configured default since the start."""

    async def decide(self, transaction: Transaction) -> Decision:
        """Decide about an order, and count it in the windows. The order must already be in the store.

        If this is called again for the same order, the order is not counted again. But the decision may be different.
        """
        rules, order, now = self._rules.current, OrderFacts.of(transaction), self._clock()
        try:
            inquiry = inquire(rules, order)
            readings = self._read_at_once(inquiry, to_milliseconds(now))
            if readings is None:
                readings = await self._within_deadline(self._read(inquiry, to_milliseconds(now)))
            decision = judge(rules, inquiry, readings, now)
        except TimeoutError:
            return self._default(rules, order, Unavailability.DEADLINE, f"no decision after {self._deadline} s")
        except WindowsUnavailable as error:
            return self._default(rules, order, Unavailability.WINDOWS, str(error))
        except Unavailable as error:
            return self._default(rules, order, Unavailability.STORE, str(error))
        except Exception:  # noqa: BLE001 - a mistake in a rule must not stop the bank; it is logged with its traceback
            _log.exception("fraud rules failed", transaction=transaction.id)
            return self._default(rules, order, Unavailability.INTERNAL, "see the traceback")
        self._recovered()
        return decision

    async def settled(self, transaction: Transaction) -> None:
        """Count an order whose money has moved. If this is called again, the order is not counted again.

        This method raises no errors, because counting must not affect the order.
        """
        order = OrderFacts.of(transaction)
        if order.settled_at is None:
            return
        try:
            writes = contributions(self._rules.current, order, Phase.SETTLED)
            at = to_milliseconds(self._clock())
            if writes and self._observe_at_once(order.transaction_id, at, writes) is None:
                await self._within_deadline(self._observe(order.transaction_id, at, writes))
        except (TimeoutError, WindowsUnavailable):
            _log.debug("completed order not counted yet", transaction=transaction.id)

    async def aclose(self) -> None:
        """Cancel the tasks that still wait for the windows to count an order."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _read_at_once(self, inquiry: Inquiry, at: int) -> Sequence[Reading] | None:
        """Do the same as `_read`. Return None if something has to be awaited: Redis, or the history of a series.

        A task with a deadline takes longer than all that the windows in memory do for an order.
        """
        found = self._observe_at_once(inquiry.order.transaction_id, at, inquiry.writes, inquiry.reads)
        # If `_read` observes the order again, the order is not counted again.
        return None if found is None or found.unknown else found.readings

    def _observe_at_once(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read] = ()
    ) -> Observation | None:
        if self._is_incomplete or self._forgetting.locked():
            return None
        return self._windows.observe_at_once(transaction_id, at, writes, reads)

    async def _read(self, inquiry: Inquiry, at: int) -> Sequence[Reading]:
        """Count the order, and read the series that the rules need. Unknown series are filled from the store first."""
        if not inquiry.reads and not inquiry.writes:
            return ()
        for _ in range(_MAX_ATTEMPTS):
            found = await self._observe(inquiry.order.transaction_id, at, inquiry.writes, inquiry.reads)
            if not found.unknown:
                return found.readings
            try:
                await self._filling.fill(inquiry, found.unknown, at)
            except WindowsUnavailable:
                self._is_incomplete = True
                raise
        raise WindowsUnavailable("series are lost as soon as they are filled")

    async def _observe(
        self, transaction_id: str, at: int, writes: Sequence[Write], reads: Sequence[Read] = ()
    ) -> Observation:
        async with self._forgetting:
            if self._is_incomplete:
                await self._windows.forget_all()
                self._is_incomplete = False
        try:
            return await self._windows.observe(transaction_id, at, writes, reads)
        except WindowsUnavailable:
            self._is_incomplete = True
            raise

    async def _within_deadline(self, work: Coroutine[object, object, T]) -> T:
        """Return the result of `work`. After the deadline, raise TimeoutError; `work` continues in the background."""
        if len(self._tasks) >= MAX_WAITING:
            work.close()
            self._is_incomplete = True
            raise WindowsUnavailable("too many orders wait")
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=self._deadline)
        if not done:
            raise TimeoutError
        return task.result()

    def _finished(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, WindowsUnavailable | Unavailable):
            _log.error("fraud windows failed unexpectedly", exc_info=error)

    def _default(self, rules: RuleSet, order: OrderFacts, why: Unavailability, cause: str) -> Decision:
        if self._defaults_in_a_row == 0:
            _log.warning("fraud rules not evaluated, the configured default decides", why=why, cause=cause)
        self.defaults += 1
        self._defaults_in_a_row += 1
        return decide_without_rules(rules, order, why, self._clock())

    def _recovered(self) -> None:
        if self._defaults_in_a_row:
            _log.info("fraud rules are evaluated again", orders_with_the_default=self._defaults_in_a_row)
            self._defaults_in_a_row = 0
