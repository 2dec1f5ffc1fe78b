"""Plans operations and caches the plans, by normalised document, operation name and active override labels.

Documents that differ only in layout and comments share a plan. A plan does not depend on the values of variables.

An operation is planned in the preparing thread, only once for all requests that wait for the plan. Small operations are
also planned in this thread, because even an operation with a short text can take long to plan.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from router.errors import RequestError
from router.planner import Bounds, Planner, PlanOptions
from router.preparation.preparing_thread import PREPARING_THREAD
from router.preparation.read_and_cache_documents import bounded_nesting
from router.preparation.single_flight import SingleFlight
from router.storage.lru import Lru
from router.storage.memory_size import memory_size

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.plan import QueryPlan
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.log_fields import RequestRecord
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph

_log = structlog.stdlib.get_logger("planner")


class PlanKey(NamedTuple):
    """The key of a plan in the cache: everything that the plan depends on, except the supergraph and the settings.

    Attributes:
        document: The normalised text of the document.
        operation_name: The operation name of the request, None without one.
        override_labels: The active labels of progressive overrides that can change the plan.
        parts: Further values that can change the plan, from stages of the pipeline. An example is the client's scopes.
    """

    document: str
    operation_name: str | None
    override_labels: frozenset[str] = frozenset()
    parts: tuple[Hashable, ...] = ()


class _Planning(msgspec.Struct, frozen=True):
    """The result of planning: a plan or an error, the time in seconds, and the bytes of memory.

    The bytes contain the plan and its key. All requests that wait for the plan use this result.
    """

    operation: Operation
    plan: QueryPlan | None
    refusal: RequestError | None
    seconds: float
    memory_bytes: int

    def result(self, record: RequestRecord) -> QueryPlan:
        """Return the plan, and write the time of planning to `record` for the log.

        Raises:
            RequestError: The operation cannot be planned.
        """
        record.plan = self.seconds
        if self.plan is None:
            assert self.refusal is not None  # noqa: S101 - without a plan there is a refusal
            # All waiting requests raise this one exception object. Without the reset, its traceback would grow.
            raise self.refusal.with_traceback(None)
        return self.plan


class Plans:
    """Makes and caches the plans for one supergraph. `cache` has the cached plans. `planner` makes new plans."""

    def __init__(self, graph: Supergraph, settings: RouterSettings) -> None:
        self.planner = Planner(graph)
        self._batch_entity_fetches = settings.planner.batch_entity_fetches
        self._bounds = Bounds(settings.planner.work, settings.planner.deadline)
        cache = settings.cache
        self.cache: Lru[PlanKey, QueryPlan] = Lru(max_entries=cache.plans, max_weight=cache.memory_bytes)
        self._flights: SingleFlight[PlanKey, _Planning] = SingleFlight(PREPARING_THREAD, self._keep)

    async def plan(self, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """Return the plan of an operation: the plan that is cached under `key`, or a new plan.

        Raises:
            PlanningError: The operation cannot be planned.
        """
        plan = self.cache.get(key)
        record.plan_cached = plan is not None or key in self._flights
        record.override_labels = tuple(sorted(key.override_labels))
        if plan is None:
            planning = await self._flights.result(key, partial(self._plan, operation, key))
            plan = planning.result(record)
        return plan

    def prepare(self, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """Return the plan of an operation, as `plan` does. Block until the plan is made.

        Raises:
            PlanningError: The operation cannot be planned.
        """
        plan = self.cache.get(key)
        if plan is None:
            planning = PREPARING_THREAD.submit(partial(self._plan, operation, key)).result()
            self._keep(key, planning)
            plan = planning.result(record)
        return plan

    def _keep(self, key: PlanKey, planning: _Planning) -> None:
        operation, plan = planning.operation, planning.plan
        if plan is None:
            return
        self.cache.put(key, plan, planning.memory_bytes)
        for hint in plan.hints:
            # A hint is logged when the plan is cached, not for each request that uses the plan.
            _log.warning("a plan with a hint", operation=operation.name, document=operation.hash, hint=hint)

    def _plan(self, operation: Operation, key: PlanKey) -> _Planning:
        # The router never sends deferred parts later: the whole response is sent at once. So `@defer` in a plan would
        # have no advantage, but would need more fetches.
        options = PlanOptions(key.override_labels, self._batch_entity_fetches, defer=False, bounds=self._bounds)
        plan: QueryPlan | None = None
        refusal: RequestError | None = None
        started = time.perf_counter()
        try:
            with bounded_nesting():
                plan = self.planner.plan(operation.planned, options)
        except RequestError as error:
            refusal = error
        seconds = time.perf_counter() - started
        return _Planning(operation, plan, refusal, seconds, memory_size(key, plan))
