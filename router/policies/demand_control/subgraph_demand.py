"""`SubgraphDemand`: the stage that limits what the fetches of one request cost a subgraph (execution §15.5).

The cost of a fetch is estimated just before the fetch is sent. The number of its entities is then known, so only the
lists inside the entities are estimated. If the fetches to a subgraph would cost more than the subgraph's limit, the
fetch is not sent. Its fields are then null, with the error SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE. The rest of the
response stays.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from router.errors import SubgraphCostExceeded
from router.pipeline.stage import Stage
from router.plan.nodes import Fetch
from router.plan.selections_to_syntax_nodes import selection_nodes
from router.policies.demand_control.estimate import AmbiguousSize, Estimation
from router.policies.demand_control.priced_selections import Pricing
from router.policies.demand_control.schema_weights import SchemaWeights
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import SendOn
    from router.plan import QueryPlan
    from router.policies.demand_control.priced_selections import PricedSelection
    from router.policies.policy_setup import PolicySetup
    from router.settings.sections.demand_control import DemandControl
    from router.transport.interface import SubgraphRequest, SubgraphResponse

MAX_PLANS: Final = 1_000


class _PricedFetch(msgspec.Struct, frozen=True):
    """One fetch, with the costs of its selections.

    `representations` is the name of the variable with the entities; None for a fetch of root fields.
    """

    base: int
    selections: tuple[PricedSelection, ...]
    representations: str | None


class _PricedPlan(msgspec.Struct, frozen=True):
    """The prices of a plan's fetches by id. While this object keeps `plan`, no other plan can get the same `id()`."""

    plan: QueryPlan
    fetches: Mapping[int, _PricedFetch]


class _Spent(msgspec.Struct):
    """What the fetches of one request have cost so far, by subgraph."""

    priced: _PricedPlan
    spent: Counter[str] = msgspec.field(default_factory=Counter)


class SubgraphDemand(Stage):
    """Estimates each fetch. A fetch that would exceed the limit of its subgraph is not sent."""

    def __init__(self, inputs: PolicySetup) -> None:
        self._weights = SchemaWeights(inputs.supergraph)
        self._settings: DemandControl = inputs.settings.demand_control
        self._limits = {name: self._settings.limit_of(name) for name in inputs.supergraph.subgraphs}
        self._plans: OrderedDict[int, _PricedPlan] = OrderedDict()

    @classmethod
    def configured(cls, inputs: PolicySetup) -> SubgraphDemand | None:
        """Return the stage, or None if no subgraph has a limit."""
        settings = inputs.settings.demand_control
        limited = any(settings.limit_of(name) is not None for name in inputs.supergraph.subgraphs)
        return cls(inputs) if settings.mode != "disabled" and limited else None

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Price the fetches of the plan, once for all requests with this plan."""
        priced = self._plans.get(id(plan))
        if priced is None:
            priced = self._plans[id(plan)] = self._priced(plan)
            if len(self._plans) > MAX_PLANS:
                self._plans.popitem(last=False)
        context.state[self] = _Spent(priced)

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Send the fetch if its subgraph's limit allows it.

        Raises:
            SubgraphCostExceeded: The fetches to this subgraph would cost more than its limit.
        """
        state, limit = context.state.get(self), self._limits.get(fetch.subgraph)
        if isinstance(state, _Spent) and limit is not None:
            cost = state.spent[fetch.subgraph] + self._cost(state.priced, fetch)
            if cost > limit:
                self._refuse(context, fetch.subgraph, cost, limit)
            state.spent[fetch.subgraph] = cost
        return await send_on(fetch)

    def _refuse(self, context: RequestContext, subgraph: str, cost: int, limit: int) -> None:
        enforced = self._settings.mode == "enforce"
        name = context.operation.name if context.operation is not None else None
        report(
            SecurityEvent.COST_EXCEEDED,
            operation=name,
            code=SubgraphCostExceeded.code,
            refused=enforced,
            subgraph=subgraph,
            estimate=cost,
            limit=limit,
        )
        if enforced:
            raise SubgraphCostExceeded(subgraph, "The fields cost a service more than one request may.")

    def _cost(self, priced: _PricedPlan, fetch: SubgraphRequest) -> int:
        """Return the estimated cost of a fetch.

        If the size of a list is ambiguous, the selections count as 0. `DemandControl` reports such a list.
        """
        estimation, cost = Estimation(self._weights, fetch.variables), 0
        for fetch_id in fetch.fetch_ids:
            each = priced.fetches.get(fetch_id)
            if each is None:
                continue
            try:
                inner = estimation.total(each.selections).cost
            except AmbiguousSize:
                inner = 0
            if each.representations is None:
                cost += each.base + inner
            else:
                entities = fetch.variables.get(each.representations)
                cost += (len(entities) if isinstance(entities, list | tuple) else 1) * (1 + inner)
        return cost

    def _priced(self, plan: QueryPlan) -> _PricedPlan:
        fetches: dict[int, _PricedFetch] = {}
        for request in plan.requests():
            if isinstance(request, Fetch):
                fetches[request.id] = self._fetch(request, request.representations)
            else:
                fetches.update((part.fetch.id, self._fetch(part.fetch, part.representations)) for part in request.parts)
        return _PricedPlan(plan, fetches)

    def _fetch(self, fetch: Fetch, representations: str) -> _PricedFetch:
        root, base = self._weights.of_root(fetch.operation_kind) if not fetch.requires else (None, 0)
        selections = Pricing(self._weights, self._settings.list_size).of(selection_nodes(fetch.selections), root)
        return _PricedFetch(base, selections, representations if fetch.requires else None)
