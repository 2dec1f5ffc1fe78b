"""Executes a query once if several clients send it at the same time and must get the same response.

    first    ──── execute ────>  response
    second       └─ waits ────>  the same data and errors, with its own headers

Two requests are equal if they have the same plan, operation, variables and claims, and send the same headers to the
subgraphs. Requests without a credential are shared. A request with a credential is shared only if its own credential
was verified and found not to be revoked, so a session that has ended gets no response. If the router cannot check
whether an access token is revoked, requests with the token are not shared. Mutations are never shared. If the first
request is cancelled or its deadline passes, one of the waiting requests executes the query.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from router import json_codec
from router.pipeline.stage import Stage
from router.request.credential_headers import is_anonymous
from router.request.request_and_response import GraphQLResponse

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import RunOn
    from router.plan import QueryPlan
    from router.policies.policy_setup import PolicySetup
    from router.request.request_and_response import Response

# These headers differ in each request, but do not change the response.
_OF_ONE_REQUEST = frozenset({"traceparent", "tracestate", "x-request-id"})


class _Running(msgspec.Struct, eq=False):
    """A query that is being executed, and the futures of the requests that wait for its response.

    A future gets None if there is no response to share. One of the waiting requests then executes the query again.

    While this object keeps `plan` and `context`, no other plan or operation can get the same `id()`.
    """

    plan: QueryPlan
    context: RequestContext
    waiting: list[asyncio.Future[GraphQLResponse | None]] = msgspec.field(default_factory=list)


class OperationSharing(Stage):
    """Shares the executions of equal queries. `shared` is the number of requests that were not executed."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Running] = {}
        self.shared = 0

    @classmethod
    def configured(cls, inputs: PolicySetup) -> OperationSharing | None:
        """Return the stage, or None if `traffic.share_operations` is false."""
        return cls() if inputs.settings.traffic.share_operations else None

    def inherit(self, previous: Stage) -> None:
        """Take over the counter of the stage that this stage replaces."""
        if isinstance(previous, OperationSharing):
            self.shared = previous.shared

    def status(self) -> Mapping[str, object]:
        """Return the number of shared operations."""
        return {"shared_operations": self.shared}

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Remember the plan, because the response depends on it."""
        context.state[self] = plan

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        """Execute the query, or wait for the response of an equal query."""
        plan: QueryPlan = context.state[self]  # type: ignore[assignment]  # `on_plan` has set it
        if context.operation is None or context.operation.kind != "query" or not _may_share(context):
            return await run_on()
        key = _key(context, plan)
        while (running := self._running.get(key)) is not None:
            waiter: asyncio.Future[GraphQLResponse | None] = asyncio.get_running_loop().create_future()
            running.waiting.append(waiter)
            response = await waiter
            if response is not None:
                self.shared += 1
                context.completed, context.responses = running.context.completed, running.context.responses
                record = running.context.record
                context.record.errors, context.record.codes = record.errors, record.codes
                return GraphQLResponse(
                    body=response.body, outcome=response.outcome, record=context.record, status=response.status
                )
        return await self._execute(key, _Running(plan, context), run_on)

    async def _execute(self, key: Hashable, running: _Running, run_on: RunOn) -> Response:
        self._running[key] = running
        response: Response | None = None
        try:
            response = await run_on()
            return response
        finally:
            del self._running[key]
            for waiter in running.waiting:
                if not waiter.done():  # otherwise the waiting request was cancelled
                    waiter.set_result(response if isinstance(response, GraphQLResponse) else None)


def _may_share(context: RequestContext) -> bool:
    if context.identity is not None:
        return context.identity.is_known_alive
    return is_anonymous((*context.received.headers, *context.request.headers))


def _key(context: RequestContext, plan: QueryPlan) -> Hashable:
    headers = frozenset(
        (subgraph, name, value)
        for subgraph, own in context.fetch_headers.items()
        for name, value in own.items()
        if name not in _OF_ONE_REQUEST
    )
    assert context.operation is not None  # noqa: S101 - the operation is chosen before it is executed
    identity = context.identity
    claims = None if identity is None else json_codec.canonical([identity.method, dict(identity.claims)])
    return id(plan), id(context.operation.client), json_codec.canonical(dict(context.variables)), headers, claims
