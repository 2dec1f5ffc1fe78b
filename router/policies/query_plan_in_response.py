"""Adds the query plan of an operation to its response, if the client asks for it with `Query-Plan: include`.

    "extensions": {"queryPlan": {
      "plan": {"kind": "QueryPlan", "node": ...},
      "planMs": 1.2, "planCached": false,
      "requests": [{"request": 0, "subgraph": "auth", "startMs": 0.1, "durationMs": 2.3, "status": 200, "bytes": 88}]
    }}

`request` is the number of the request in the plan: the first `Fetch` or `BatchFetch` in the JSON of the plan is 0.
`startMs` is the time from the end of planning to the start of the request. A request that failed has no `status` and no
`bytes`. A request of the plan that was not sent, because there was no object to fetch, is not in `requests`. A request
that was sent twice is in `requests` twice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from router.pipeline.stage import Stage
from router.plan.nodes import Fetch

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import SendOn
    from router.plan import QueryPlan
    from router.policies.policy_setup import PolicySetup
    from router.request.request_and_response import GraphQLResponse
    from router.transport.interface import SubgraphRequest, SubgraphResponse

HEADER: Final = "query-plan"
VALUE: Final = "include"
EXTENSION: Final = "queryPlan"


class _Trace(msgspec.Struct):
    """The plan of one request, and the requests to subgraphs so far.

    `numbers` maps the id of each fetch to the number of its request.
    """

    plan: QueryPlan
    started: float
    numbers: dict[int, int]
    requests: list[dict[str, object]] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, plan: QueryPlan) -> _Trace:
        numbers: dict[int, int] = {}
        for number, request in enumerate(plan.requests()):
            fetches = (request,) if isinstance(request, Fetch) else (part.fetch for part in request.parts)
            numbers.update((fetch.id, number) for fetch in fetches)
        return cls(plan, time.perf_counter(), numbers)

    def begin(self, fetch: SubgraphRequest) -> dict[str, object]:
        """Return a new entry of `requests`, for a request that is being sent now."""
        number = next((self.numbers[one] for one in fetch.fetch_ids if one in self.numbers), None)
        entry: dict[str, object] = {} if number is None else {"request": number}
        entry |= {"subgraph": fetch.subgraph, "startMs": _ms(time.perf_counter() - self.started)}
        self.requests.append(entry)
        return entry


class QueryPlanInResponse(Stage):
    """Adds the plan, and the time of each request of the plan, to the response if the client asks for the plan."""

    @classmethod
    def configured(cls, inputs: PolicySetup) -> QueryPlanInResponse | None:
        """Return the stage, or None if no client may see plans."""
        return cls() if inputs.settings.query_plan.in_responses else None

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Begin to record the requests if the client asks for the plan."""
        if context.request.headers.get(HEADER) == VALUE:
            context.state[self] = _Trace.of(plan)

    async def on_fetch(self, context: RequestContext, fetch: SubgraphRequest, send_on: SendOn) -> SubgraphResponse:
        """Record the time of a request to a subgraph."""
        trace = context.state.get(self)
        if not isinstance(trace, _Trace):
            return await send_on(fetch)
        entry, started = trace.begin(fetch), time.perf_counter()
        try:
            response = await send_on(fetch)
            entry |= {"status": response.status, "bytes": len(response.body)}
            return response
        finally:
            entry["durationMs"] = _ms(time.perf_counter() - started)

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Add the plan to the response."""
        trace = context.state.get(self)
        if not isinstance(trace, _Trace):
            return response
        shown = {
            "plan": trace.plan.to_json(),
            "planMs": _ms(context.record.plan),
            "planCached": context.record.plan_cached,
            "requests": trace.requests,
        }
        given = response.body.get("extensions")
        extensions = {**(given if isinstance(given, dict) else {}), EXTENSION: shown}
        return replace(response, body={**response.body, "extensions": extensions})


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
