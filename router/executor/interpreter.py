"""Running a plan: the fetches, their order, and what becomes of their answers (executor reference §3, §4).

Each fetch is a task that waits for the fetches it depends on, not for a wave of them. A fetch that fails leaves its
errors and nothing else: what depends on it finds no objects to send and is skipped, everything else goes on.

    data = {}                                   fetch 0 (auth):   {me {__typename id}}
    data = {me: {__typename: User, id: 1}}      fetch 1 (account) at me: _entities(representations: [{User, 1}])
    data = {me: {..., accounts: [...]}}         completion: the client's fields in the client's order
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.errors import SubgraphMalformedResponse, TransportError
from router.executor.completion import complete
from router.executor.contextual import by_context
from router.executor.flatten import collect
from router.executor.introspection import introspect
from router.executor.merge import merge
from router.executor.representations import Projection
from router.executor.rewrites import rename_in_path, rewritten
from router.executor.schedule import steps
from router.executor.subgraph_errors import ENTITIES, Delivery, reported, root_keys, transport_failure
from router.transport.base import SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.errors import PathSegment, ResponseError, ResponsePath
    from router.executor.context import ExecutionContext, ExecutionResult, JsonObject, PreparedOperation
    from router.executor.flatten import Place
    from router.executor.schedule import Step
    from router.plan import Fetch, QueryPlan


async def execute(
    plan: QueryPlan, operation: PreparedOperation, context: ExecutionContext, event: JsonObject | None = None
) -> ExecutionResult:
    """Run every fetch of `plan` and complete the response.

    For a subscription, `event` is the data of one event of its primary fetch. Nothing a subgraph does raises; it is
    told in the result's errors.
    """
    run = _Run(context)
    merge(context.schema, run.data, event or {})
    await run.all(tuple(steps(plan.node)))
    introspection = introspect(operation, context.variables)
    return complete(operation, context.variables, run.data | introspection, run.errors())


@dataclass(slots=True)
class _Run:
    """The state of one execution: the response tree, and what went wrong by step."""

    context: ExecutionContext
    data: JsonObject = field(default_factory=dict)
    failed: set[ResponsePath] = field(default_factory=set)
    errors_by_step: dict[int, list[ResponseError]] = field(default_factory=dict)

    def errors(self) -> list[ResponseError]:
        """In the plan's order, whatever the order of arrival."""
        return [error for _, errors in sorted(self.errors_by_step.items()) for error in errors]

    async def all(self, planned: tuple[Step, ...]) -> None:
        done = {step.fetch.id: asyncio.Event() for step in planned}
        async with asyncio.TaskGroup() as tasks:
            for step in planned:
                tasks.create_task(self._when_ready(step, done))

    async def _when_ready(self, step: Step, done: Mapping[int, asyncio.Event]) -> None:
        for parent in step.fetch.depends_on:
            if parent in done:  # the primary fetch of a subscription is none of ours: its event is where we start
                await done[parent].wait()
        if step.is_wanted(self.context.variables):
            await self._run(step)
        done[step.fetch.id].set()

    async def _run(self, step: Step) -> None:
        places = collect(self.data, step.path)
        if not places:
            return
        groups = by_context(self.context.schema, self.data, step.fetch, places)
        fetch = self._fetch_entities if step.fetch.requires else self._fetch_root
        async with asyncio.TaskGroup() as tasks:
            for variables, group in groups:
                tasks.create_task(fetch(step.fetch, group, variables))

    async def _fetch_root(self, fetch: Fetch, places: list[Place], variables: JsonObject) -> None:
        renamed = {key: rename_in_path(fetch.output_rewrites, (key,)) for key in root_keys(fetch)}
        delivery = Delivery(fetch, {key: [(*p.path, *name) for p in places] for key, name in renamed.items()})
        body = await self._send(delivery, variables)
        data = body.get("data")
        if not isinstance(data, dict):
            return
        result = rewritten(self.context.schema, fetch.output_rewrites, data)
        for place in places:
            merge(self.context.schema, place.object, result)

    async def _fetch_entities(self, fetch: Fetch, places: list[Place], variables: JsonObject) -> None:
        representations = Projection(self.context.schema, self.failed).represent(fetch, places)
        if not representations.values:
            return
        positions: dict[PathSegment, list[ResponsePath]] = {
            index: [place.path for place in group] for index, group in enumerate(representations.places)
        }
        body = await self._send(Delivery(fetch, positions), variables | {"representations": representations.values})
        data = body.get("data")
        entities = data.get(ENTITIES) if isinstance(data, dict) else None
        if not isinstance(entities, list):
            return
        for entity, group in zip(entities, representations.places, strict=True):
            if isinstance(entity, dict):
                result = rewritten(self.context.schema, fetch.output_rewrites, entity)
                for place in group:
                    merge(self.context.schema, place.object, result)

    async def _send(self, delivery: Delivery, variables: JsonObject) -> Mapping[str, object]:
        """The body of the subgraph's response, empty when there is none; errors are recorded."""
        fetch = delivery.fetch
        request = SubgraphRequest(
            subgraph=fetch.service_name,
            operation=fetch.operation,
            operation_name=fetch.operation_name,
            operation_kind=fetch.operation_kind,
            variables=self._client_variables(fetch) | variables,
            headers=self.context.headers.get(fetch.service_name, {}),
        )
        try:
            body = (await self.context.transport.send(request)).body
            answered = _answered(delivery, body)
        except TransportError as failure:
            self._record(fetch, transport_failure(delivery, failure))
            return {}
        entries = body.get("errors")
        self._record(fetch, reported(delivery, entries if isinstance(entries, list) else [], answered))
        return body

    def _client_variables(self, fetch: Fetch) -> JsonObject:
        variables = self.context.variables
        return {name: variables[name] for name in fetch.variable_usages if name in variables}

    def _record(self, fetch: Fetch, errors: list[ResponseError]) -> None:
        self.errors_by_step.setdefault(fetch.id, []).extend(errors)
        self.failed.update(error.path for error in errors if error.path is not None)


def _answered(delivery: Delivery, body: Mapping[str, object]) -> Mapping[PathSegment, object]:
    """What came back at each root position.

    Raises:
        SubgraphMalformedResponse: the body is no response to this request.
    """
    data, errors = body.get("data"), body.get("errors")
    if data is None and errors:
        return {}
    fetch = delivery.fetch
    if not isinstance(data, dict):
        raise SubgraphMalformedResponse(fetch.service_name, "The subgraph answered with neither data nor errors.")
    if not fetch.requires:
        return dict(data)
    entities = data.get(ENTITIES)
    if entities is None and errors:
        return {}
    if not isinstance(entities, list) or len(entities) != len(delivery.places):
        raise SubgraphMalformedResponse(
            fetch.service_name, "The subgraph did not answer with one entity per representation."
        )
    return dict(enumerate(entities))
