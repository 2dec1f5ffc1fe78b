"""Plans: kept by the normal form of the document, the operation's name and the override labels that hold.

Two clients that lay out the same operation differently share a plan. No variable's value is part of the key.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import structlog

from router.planner import Bounds, Planner, PlanOptions
from router.preparation.documents import bounded_nesting
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Hashable

    from router.plan import QueryPlan
    from router.preparation.documents import Document
    from router.preparation.operations import Operation
    from router.request.record import RequestRecord
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


class Plans:
    """The plans for one supergraph; `cache` has those that are known."""

    def __init__(self, graph: Supergraph, settings: RouterSettings) -> None:
        self._planner = Planner(graph)
        self._batch_entity_fetches = settings.planner.batch_entity_fetches
        self._bounds = Bounds(settings.planner.work, settings.planner.deadline)
        cache = settings.cache
        self.cache: Lru[PlanKey, QueryPlan] = Lru(max_entries=cache.plans, max_weight=cache.text_bytes)

    def plan(self, document: Document, operation: Operation, key: PlanKey, record: RequestRecord) -> QueryPlan:
        """The plan of one operation of a document under a key.

        Raises:
            PlanningError: There is none.
        """
        known = self.cache.get(key)
        record.plan_cached = known is not None
        record.override_labels = tuple(sorted(key.override_labels))
        if known is not None:
            return known
        started = time.perf_counter()
        try:
            with bounded_nesting():
                plan = self._planner.plan(operation.planned, self._options(key.override_labels))
        finally:
            record.plan = time.perf_counter() - started
        for hint in plan.hints:
            # Once for a plan, not for each request: it is kept.
            _log.warning("a plan with a hint", operation=record.operation_name, document=document.hash, hint=hint)
        self.cache.put(key, plan, len(document.text))
        return plan

    def _options(self, labels: frozenset[str]) -> PlanOptions:
        # Responses are sent as a whole, and deferring takes more fetches.
        return PlanOptions(labels, self._batch_entity_fetches, defer=False, bounds=self._bounds)
