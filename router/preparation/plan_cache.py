"""Plans: kept by the normal form of the document, the operation's name and the override labels that hold.

Two clients that lay out the same operation differently share a plan. No variable's value is part of the key.
Operations are planned in the preparing thread, once for all requests that need the plan at the time; small ones too, as
a short text can take long to plan.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import structlog

from router.errors import RequestError
from router.planner import Bounds, Planner, PlanOptions
from router.preparation.document_cache import bounded_nesting
from router.preparation.preparing_thread import PREPARING_THREAD
from router.preparation.single_flight import SingleFlight
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.plan import QueryPlan
    from router.preparation.request_operation import Operation
    from router.request.log_fields import RequestRecord
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph

_log = structlog.stdlib.get_logger("planner")


class PlanKey(NamedTuple):
    """What a plan depends on, besides the supergraph and the settings.

    `document` is the normalised text. `override_labels` are those that hold, of the labels on which the plan can
    depend. `parts` are what else stages of the pipeline say the planned operation depends on, such as scopes.
    """

    document: str
    operation_name: str | None
    override_labels: frozenset[str] = frozenset()
    parts: tuple[Hashable, ...] = ()


class _Planning(NamedTuple):
    """The end of planning, for all requests that wait for it: a plan or a refusal, after so many seconds."""

    operation: Operation
    plan: QueryPlan | None
    refusal: RequestError | None
    seconds: float

    def result(self, record: RequestRecord) -> QueryPlan:
        """The plan, with what the log says of planning.

        Raises:
            RequestError: There is no plan.
        """
        record.plan = self.seconds
        if self.plan is None:
            assert self.refusal is not None  # noqa: S101 - one of the two is there
            raise self.refusal.with_traceback(None)  # it is raised again for each request
        return self.plan


class Plans:
    """The plans for one supergraph; `cache` has those that are known, `planner` makes the others."""

    def __init__(self, graph: Supergraph, settings: RouterSettings) -> None:
        self.planner = Planner(graph)
        self._batch_entity_fetches = settings.planner.batch_entity_fetches
        self._bounds = Bounds(settings.planner.work, settings.planner.deadline)
        cache = settings.cache
        self.cache: Lru[PlanKey, QueryPlan] = Lru(max_entries=cache.plans, max_weight=cache.text_bytes)
        self._flights: SingleFlight[PlanKey, _Planning] = SingleFlight(PREPARING_THREAD, self._keep)

    async def plan(self, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """The plan of an operation under a key.

        Raises:
            PlanningError: There is none.
        """
        plan = self.cache.get(key)
        record.plan_cached = plan is not None or key in self._flights
        record.override_labels = tuple(sorted(key.override_labels))
        if plan is None:
            planning = await self._flights.result(key, partial(self._plan, operation, key.override_labels))
            plan = planning.result(record)
        return plan

    def prepare(self, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """The same; the calling thread waits.

        Raises:
            PlanningError: There is none.
        """
        plan = self.cache.get(key)
        if plan is None:
            planning = PREPARING_THREAD.submit(partial(self._plan, operation, key.override_labels)).result()
            self._keep(key, planning)
            plan = planning.result(record)
        return plan

    def _keep(self, key: PlanKey, planning: _Planning) -> None:
        operation, plan = planning.operation, planning.plan
        if plan is None:
            return
        self.cache.put(key, plan, len(key.document))
        for hint in plan.hints:
            # Once for a plan, not for each request: it is kept.
            _log.warning("a plan with a hint", operation=operation.name, document=operation.hash, hint=hint)

    def _plan(self, operation: Operation, labels: frozenset[str]) -> _Planning:
        # Responses are sent as a whole, and deferring takes more fetches.
        options = PlanOptions(labels, self._batch_entity_fetches, defer=False, bounds=self._bounds)
        plan: QueryPlan | None = None
        refusal: RequestError | None = None
        started = time.perf_counter()
        try:
            with bounded_nesting():
                plan = self.planner.plan(operation.planned, options)
        except RequestError as error:
            refusal = error
        return _Planning(operation, plan, refusal, time.perf_counter() - started)
