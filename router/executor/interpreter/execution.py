"""Run a plan: send each fetch after the fetches that it depends on, and merge the responses (execution §3, §4).

Each request is a task. The task waits until the results of all fetches on which the request depends are merged. If a
fetch fails, its errors are recorded, and the fetches that need its objects are skipped. All other fetches run.

    data = {}                                   fetch 0 (auth):   {me {__typename id}}
    data = {me: {__typename: User, id: 1}}      fetch 1 (account) at me: _entities(representations: [{User, 1}])
    data = {me: {..., accounts: [...]}}         completion: the client's fields in the client's order
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from router.errors import SubgraphMalformedResponse, TransportError
from router.executor.errors.error_translation import (
    ENTITIES,
    FetchTarget,
    fetch_failure,
)
from router.executor.errors.errors_and_unavailable_values import ExecutionFailures
from router.executor.errors.unavailable_values import root_keys
from router.executor.graphql.completion import NO_EFFECTS, FailureEffects, complete
from router.executor.graphql.introspection import introspect
from router.executor.graphql_over_http import decode_response
from router.executor.interpreter.combine_and_split_entity_fetches import group_equal_parts, split_response
from router.executor.interpreter.merge import conflicting_paths, merge
from router.executor.interpreter.objects_at_path import collect
from router.executor.interpreter.process_large_responses_in_thread import LARGE, LargeResponses, decode_in_slices
from router.executor.interpreter.read_context_values import ContextReader
from router.executor.interpreter.representations import Projection, input_keys
from router.executor.interpreter.requests_in_plan import requests_in_plan
from router.executor.interpreter.rewrites import names_by_alias, rename_in_path, rewritten
from router.transport.interface import ResponseHead, SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import ResponsePath
    from router.executor.context_and_result import ExecutionContext, ExecutionResult, JsonObject
    from router.executor.interpreter.objects_at_path import ResponsePlace
    from router.executor.interpreter.representations import Representations
    from router.executor.interpreter.requests_in_plan import FetchStep, PlannedRequest
    from router.get_operation import PreparedOperation
    from router.plan import BatchFetch, BatchPart, Fetch, QueryPlan


async def execute(
    plan: QueryPlan, operation: PreparedOperation, context: ExecutionContext, event: JsonObject | None = None
) -> ExecutionResult:
    """Run every fetch of `plan` and complete the response.

    If a fetch fails, no exception is raised; the result contains the errors. For a subscription, `event` is the data of
    one event.
    """
    execution = _PlanExecution(context)
    merge(context.schema, execution.data, event or {})
    await execution.run(tuple(requests_in_plan(plan.node)))
    raw = execution.data | introspect(operation, context.variables)
    errors = execution.failures.errors()
    has_effects = bool(errors or execution.failures.unavailable)
    effects = FailureEffects(input_keys(plan.fetches()), execution.failures.unavailable) if has_effects else NO_EFFECTS
    completion = partial(complete, operation, context.variables, raw, errors, effects)
    result = await execution.work.run(completion, execution.largest)
    return msgspec.structs.replace(result, responses=tuple(execution.responses))


class _EntityFetch(msgspec.Struct, frozen=True):
    """An entity fetch, with the representations of the objects to which it adds fields."""

    fetch: Fetch
    representations: Representations

    @property
    def target(self) -> FetchTarget:
        """The fetch, with the paths in the client's response at which each entity is merged."""
        places = enumerate(self.representations.places)
        return FetchTarget(self.fetch, {index: [place.path for place in group] for index, group in places})


class _Received(msgspec.Struct, frozen=True):
    """A GraphQL response, and the number of bytes of its body. The response is None if the request failed."""

    document: JsonObject | None
    size: int


class _PlanExecution(msgspec.Struct):
    """The state of one execution: the response tree (`data`), and the responses and failures so far.

    If a subgraph sends null for an entity, without an error, the path of the entity is added to `absent_entities`.
    `largest` is the size of the largest response in bytes.
    """

    context: ExecutionContext
    data: JsonObject = msgspec.field(default_factory=dict)
    responses: list[ResponseHead] = msgspec.field(default_factory=list)
    failures: ExecutionFailures = msgspec.field(default_factory=ExecutionFailures)
    absent_entities: set[ResponsePath] = msgspec.field(default_factory=set)
    work: LargeResponses = msgspec.field(default_factory=LargeResponses)
    largest: int = 0

    async def run(self, planned: tuple[PlannedRequest, ...]) -> None:
        """Run all requests. A fetch is skipped if one of its conditions is not met (execution §3.7, §3.8)."""
        done = {step.fetch.id: asyncio.Event() for request in planned for step in request.steps}
        async with asyncio.TaskGroup() as tasks:
            for request in planned:
                wanted = tuple(step for step in request.steps if step.is_included(self.context.variables))
                if wanted:
                    tasks.create_task(self._run_when_ready(msgspec.structs.replace(request, steps=wanted), done))
                for step in request.steps:
                    if step not in wanted:
                        tasks.create_task(_skip(step, done))

    async def _run_when_ready(self, request: PlannedRequest, done: Mapping[int, asyncio.Event]) -> None:
        """Wait until the results on which the request depends are merged, then run the request (execution §3.7)."""
        for step in request.steps:
            await _ready(step, done)
        if request.batch is None:
            (step,) = request.steps
            await self._run_step(step)
        else:
            await self._run_batch(request.batch, request.steps)
        for step in request.steps:
            done[step.fetch.id].set()

    async def _run_step(self, step: FetchStep) -> None:
        """Collect the objects of a fetch, and fetch their fields if there are any objects (execution §3.1, §3.4)."""
        await self.work.turn()
        places = collect(self.data, step.path)
        if not places:
            return
        reader = ContextReader(self.context.schema, self.data, self.failures.paths)
        groups, unknown = reader.by_context(step.fetch, places)
        self.failures.make_unavailable(step.fetch, [place.path for place in unknown])
        fetch = self._fetch_entities if step.fetch.requires else self._fetch_root
        async with asyncio.TaskGroup() as tasks:
            for variables, group in groups:
                tasks.create_task(fetch(step.fetch, group, variables))

    async def _run_batch(self, batch: BatchFetch, steps: tuple[FetchStep, ...]) -> None:
        """Combine equal parts of a batch, and send one request for all parts that have objects (execution §3.9)."""
        ready: list[tuple[BatchPart, _EntityFetch]] = []
        await self.work.turn()
        for first, *others in group_equal_parts(steps):
            places = [place for step in (first, *others) for place in collect(self.data, step.path)]
            entities = self._represented(first.fetch, places)
            if first.part is not None and entities is not None:
                ready.append((first.part, entities))
        if len(ready) == 1:
            await self._fetch_represented(ready[0][1], {})
        elif ready:
            await self._fetch_together(batch, ready)

    async def _fetch_root(self, fetch: Fetch, places: list[ResponsePlace], variables: JsonObject) -> None:
        """Fetch root fields, and merge the result into every object in `places` (execution §3.5, §3.6)."""
        renamed = {key: rename_in_path(fetch.output_rewrites, (key,)) for key in root_keys(fetch)}
        target = FetchTarget(fetch, {key: [(*p.path, *name) for p in places] for key, name in renamed.items()})
        received = await self._send(self._request(fetch, variables), [target])
        await self.work.run(lambda: self._merge_root(target, places, received.document), received.size)

    def _merge_root(self, target: FetchTarget, places: list[ResponsePlace], response: JsonObject | None) -> None:
        data = self.failures.data_of(target, response)
        if not data:
            return
        result = rewritten(self.context.schema, target.fetch.output_rewrites, data)
        for place in places:
            self._merge(target.fetch, place, result)

    async def _fetch_entities(self, fetch: Fetch, places: list[ResponsePlace], variables: JsonObject) -> None:
        """Fetch fields of entities; if no object has a representation, send nothing (execution §3.2 to §3.6)."""
        await self.work.turn()
        entities = self._represented(fetch, places)
        if entities is not None:
            await self._fetch_represented(entities, variables)

    def _represented(self, fetch: Fetch, places: list[ResponsePlace]) -> _EntityFetch | None:
        """Build the representations of the objects; return None if no object has one (execution §3.2 to §3.4)."""
        names = names_by_alias(fetch.input_rewrites)
        projection = Projection(
            self.context.schema, self.failures.paths, self.context.variables, self.absent_entities, names
        )
        representations = projection.represent(fetch, places)
        self.failures.make_unavailable(fetch, [place.path for place in representations.unknown])
        return _EntityFetch(fetch, representations) if representations.values else None

    async def _fetch_represented(self, entities: _EntityFetch, variables: JsonObject) -> None:
        """Send one entity fetch in its own request, and merge the entities (execution §3.5, §3.6)."""
        fetch = entities.fetch
        request = self._request(fetch, variables | {fetch.representations: entities.representations.values})
        received = await self._send(request, [entities.target])
        await self.work.run(lambda: self._merge_entities(entities, received.document), received.size)

    async def _fetch_together(self, batch: BatchFetch, ready: list[tuple[BatchPart, _EntityFetch]]) -> None:
        """Send several entity fetches in one request, split the response, and merge the entities (execution §3.9)."""
        parts = [part for part, _ in ready]
        representations = {part.representations: entities.representations.values for part, entities in ready}
        request = SubgraphRequest(
            subgraph=batch.service_name,
            operation=batch.operation(parts),
            operation_name=batch.operation_name,
            operation_kind="query",
            variables=self._client_variables(batch.variable_usages(parts)) | representations,
            headers=self.context.headers.get(batch.service_name, {}),
            deadline=self.context.deadline,
            caller=self.context.caller,
            fetch_ids=tuple(entities.fetch.id for _, entities in ready),
        )
        received = await self._send(request, [entities.target for _, entities in ready])
        await self.work.run(lambda: self._merge_parts(ready, received.document), received.size)

    def _merge_parts(self, ready: list[tuple[BatchPart, _EntityFetch]], response: JsonObject | None) -> None:
        if response is not None:
            parts = split_response(response, [part.alias for part, _ in ready])
            for (_, entities), own in zip(ready, parts, strict=True):
                self._merge_entities(entities, own)

    def _merge_entities(self, fetched: _EntityFetch, response: Mapping[str, object] | None) -> None:
        """Merge each entity into all objects from which its representation was built (execution §3.6)."""
        entities = self.failures.data_of(fetched.target, response).get(ENTITIES)
        if not isinstance(entities, list):
            return
        for entity, group in zip(entities, fetched.representations.places, strict=True):
            if isinstance(entity, dict):
                result = rewritten(self.context.schema, fetched.fetch.output_rewrites, entity)
                for place in group:
                    self._merge(fetched.fetch, place, result)
            elif entity is None:
                self.absent_entities.update(place.path for place in group if not self.failures.paths.within(place.path))

    def _merge(self, fetch: Fetch, place: ResponsePlace, result: Mapping[str, object]) -> None:
        """Merge the result of a fetch into an object.

        Record an error for each value that cannot be merged (execution §3.6).
        """
        conflicts: list[object] = []
        merge(self.context.schema, place.object, result, conflicts)
        if conflicts:
            failure = SubgraphMalformedResponse(fetch.service_name, "The subgraph sent a value of another kind.")
            paths = [[(*place.path, *path)] for path in conflicting_paths(place.object, result)]
            self.failures.record(fetch, fetch_failure(FetchTarget(fetch, dict(enumerate(paths))), failure))

    def _request(self, fetch: Fetch, variables: JsonObject) -> SubgraphRequest:
        """Build the request of `fetch` (execution §3.5).

        The request contains the client's variables that the fetch uses, and the additional `variables`.
        """
        return SubgraphRequest(
            subgraph=fetch.service_name,
            operation=fetch.operation,
            operation_name=fetch.operation_name,
            operation_kind=fetch.operation_kind,
            variables=self._client_variables(fetch.variable_usages) | variables,
            headers=self.context.headers.get(fetch.service_name, {}),
            deadline=self.context.deadline,
            caller=self.context.caller,
            fetch_ids=(fetch.id,),
        )

    async def _send(self, request: SubgraphRequest, targets: Iterable[FetchTarget]) -> _Received:
        """Send a request and return the GraphQL response (execution §3.5, §4).

        If the request fails, record errors for all `targets`.
        """
        try:
            response = await self.context.transport.send(request)
            self.responses.append(ResponseHead(request.subgraph, response.status, response.headers))
            size = len(response.body)
            self.largest = max(self.largest, size)
            if size < LARGE:
                return _Received(decode_response(request.subgraph, response), size)
            decode = partial(decode_response, request.subgraph, response, decode_in_slices)
            return _Received(await self.work.run(decode, size), size)
        except TransportError as failure:
            await self.work.turn()
            for target in targets:
                self.failures.record(target.fetch, fetch_failure(target, failure))
            return _Received(None, 0)

    def _client_variables(self, names: Iterable[str]) -> JsonObject:
        """Return the client's variables with these names, except variables that have no value (execution §6)."""
        variables = self.context.variables
        return {name: variables[name] for name in names if name in variables}


async def _ready(step: FetchStep, done: Mapping[int, asyncio.Event]) -> None:
    """Wait until the results of all fetches on which the step depends are merged (execution §3.7)."""
    for parent in step.fetch.depends_on:
        # The fetch that opened a subscription is not in `done`: the data of its event is already merged, so no request
        # needs to wait for this fetch.
        if parent in done:
            await done[parent].wait()


async def _skip(step: FetchStep, done: Mapping[int, asyncio.Event]) -> None:
    """Mark a skipped step as done when all fetches on which it depends are done (execution §3.7, §3.8)."""
    await _ready(step, done)
    done[step.fetch.id].set()
