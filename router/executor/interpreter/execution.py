"""Run a plan: send each fetch after the fetches that it depends on, and merge the responses (execution §3, §4).

Each request is a task. The task waits until the results of all fetches on which the request depends are merged. If a
fetch fails, its errors are recorded, and the fetches that need its objects are skipped. All other fetches run.

    data = {}                                   fetch 0 (auth):   {me {__typename id}}
    data = {me: {__typename: User, id: 1}}      fetch 1 (account) at me: _entities(representations: [{User, 1}])
    data = {me: {..., accounts: [...]}}         completion: the client's fields in the client's order
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from router.errors import SubgraphMalformedResponse, TransportError
from router.executor.errors.error_path_index import RecordedErrorPaths
from router.executor.errors.error_translation import (
    ENTITIES,
    FetchTarget,
    fetch_failure,
    null_propagation,
    response_errors,
)
from router.executor.errors.unavailable_values import UnavailableValues, keys_at, output_keys, root_keys
from router.executor.graphql.completion import NO_EFFECTS, FailureEffects, complete
from router.executor.graphql.introspection import introspect
from router.executor.graphql_over_http import decode_response
from router.executor.interpreter.combine_and_split_entity_fetches import group_equal_parts, split_response
from router.executor.interpreter.from_context import ContextReader
from router.executor.interpreter.merge import conflicting_paths, merge
from router.executor.interpreter.objects_at_path import collect
from router.executor.interpreter.representations import Projection, input_keys
from router.executor.interpreter.requests_in_plan import requests_in_plan
from router.executor.interpreter.rewrites import names_by_alias, rename_in_path, rewritten
from router.transport.interface import ResponseHead, SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import PathSegment, ResponseError, ResponsePath
    from router.executor.context_and_result import ExecutionContext, ExecutionResult, JsonObject
    from router.executor.errors.unavailable_values import KeyTree
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
    errors = execution.errors()
    has_effects = bool(errors or execution.unavailable)
    effects = FailureEffects(input_keys(plan.fetches()), execution.unavailable) if has_effects else NO_EFFECTS
    result = complete(operation, context.variables, raw, errors, effects)
    return replace(result, responses=tuple(execution.responses))


@dataclass(frozen=True, slots=True)
class _EntityFetch:
    """An entity fetch, with the representations of the objects to which it adds fields."""

    fetch: Fetch
    representations: Representations

    @property
    def target(self) -> FetchTarget:
        """The fetch, with the paths in the client's response at which each entity is merged."""
        places = enumerate(self.representations.places)
        return FetchTarget(self.fetch, {index: [place.path for place in group] for index, group in places})


@dataclass(slots=True)
class _PlanExecution:
    """The state of one execution: the response tree (`data`), and the responses and failures so far.

    `absent_entities` has the paths of the entities that are null in the response to a fetch, without an error.
    `keys_by_fetch` is a cache of the results of `output_keys`, by the id of the fetch.
    """

    context: ExecutionContext
    data: JsonObject = field(default_factory=dict)
    responses: list[ResponseHead] = field(default_factory=list)
    failures: RecordedErrorPaths = field(default_factory=RecordedErrorPaths)
    unavailable: UnavailableValues = field(default_factory=UnavailableValues)
    absent_entities: set[ResponsePath] = field(default_factory=set)
    errors_by_fetch: dict[int, list[ResponseError]] = field(default_factory=dict)
    keys_by_fetch: dict[int, KeyTree] = field(default_factory=dict)

    def errors(self) -> list[ResponseError]:
        """Return all errors in the order of the fetches in the plan, whichever response arrived first."""
        return [error for _, errors in sorted(self.errors_by_fetch.items()) for error in errors]

    async def run(self, planned: tuple[PlannedRequest, ...]) -> None:
        """Run all requests. A fetch is skipped if one of its conditions is not met (execution §3.7, §3.8)."""
        done = {step.fetch.id: asyncio.Event() for request in planned for step in request.steps}
        async with asyncio.TaskGroup() as tasks:
            for request in planned:
                wanted = tuple(step for step in request.steps if step.is_included(self.context.variables))
                if wanted:
                    tasks.create_task(self._run_when_ready(replace(request, steps=wanted), done))
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
        places = collect(self.data, step.path)
        if not places:
            return
        reader = ContextReader(self.context.schema, self.data, self.failures)
        groups, unknown = reader.by_context(step.fetch, places)
        self._make_unavailable(step.fetch, [place.path for place in unknown])
        fetch = self._fetch_entities if step.fetch.requires else self._fetch_root
        async with asyncio.TaskGroup() as tasks:
            for variables, group in groups:
                tasks.create_task(fetch(step.fetch, group, variables))

    async def _run_batch(self, batch: BatchFetch, steps: tuple[FetchStep, ...]) -> None:
        """Combine equal parts of a batch, and send one request for all parts that have objects (execution §3.9)."""
        ready: list[tuple[BatchPart, _EntityFetch]] = []
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
        data = self._data(target, await self._send(self._request(fetch, variables), [target]))
        if not data:
            return
        result = rewritten(self.context.schema, fetch.output_rewrites, data)
        for place in places:
            self._merge(fetch, place, result)

    async def _fetch_entities(self, fetch: Fetch, places: list[ResponsePlace], variables: JsonObject) -> None:
        """Fetch fields of entities; if no object has a representation, send nothing (execution §3.2 to §3.6)."""
        entities = self._represented(fetch, places)
        if entities is not None:
            await self._fetch_represented(entities, variables)

    def _represented(self, fetch: Fetch, places: list[ResponsePlace]) -> _EntityFetch | None:
        """Build the representations of the objects; return None if no object has one (execution §3.2 to §3.4)."""
        names = names_by_alias(fetch.input_rewrites)
        projection = Projection(self.context.schema, self.failures, self.context.variables, self.absent_entities, names)
        representations = projection.represent(fetch, places)
        self._make_unavailable(fetch, [place.path for place in representations.unknown])
        return _EntityFetch(fetch, representations) if representations.values else None

    async def _fetch_represented(self, entities: _EntityFetch, variables: JsonObject) -> None:
        """Send one entity fetch in its own request, and merge the entities (execution §3.5, §3.6)."""
        fetch = entities.fetch
        request = self._request(fetch, variables | {fetch.representations: entities.representations.values})
        self._merge_entities(entities, await self._send(request, [entities.target]))

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
        )
        response = await self._send(request, [entities.target for _, entities in ready])
        if response is not None:
            for (_, entities), own in zip(ready, split_response(response, [part.alias for part in parts]), strict=True):
                self._merge_entities(entities, own)

    def _merge_entities(self, fetched: _EntityFetch, response: Mapping[str, object] | None) -> None:
        """Merge each entity into all objects from which its representation was built (execution §3.6)."""
        entities = self._data(fetched.target, response).get(ENTITIES)
        if not isinstance(entities, list):
            return
        for entity, group in zip(entities, fetched.representations.places, strict=True):
            if isinstance(entity, dict):
                result = rewritten(self.context.schema, fetched.fetch.output_rewrites, entity)
                for place in group:
                    self._merge(fetched.fetch, place, result)
            elif entity is None:
                self.absent_entities.update(place.path for place in group if not self.failures.within(place.path))

    def _merge(self, fetch: Fetch, place: ResponsePlace, result: Mapping[str, object]) -> None:
        """Merge the result of a fetch into an object; record the values that do not fit there (execution §3.6)."""
        conflicts: list[object] = []
        merge(self.context.schema, place.object, result, conflicts)
        if conflicts:
            failure = SubgraphMalformedResponse(fetch.service_name, "The subgraph sent a value of another kind.")
            paths = [[(*place.path, *path)] for path in conflicting_paths(place.object, result)]
            self._record(fetch, fetch_failure(FetchTarget(fetch, dict(enumerate(paths))), failure))

    def _request(self, fetch: Fetch, variables: JsonObject) -> SubgraphRequest:
        """Build the request of one fetch (execution §3.5).

        The request contains `variables`, and the client's variables that the fetch uses.
        """
        return SubgraphRequest(
            subgraph=fetch.service_name,
            operation=fetch.operation,
            operation_name=fetch.operation_name,
            operation_kind=fetch.operation_kind,
            variables=self._client_variables(fetch.variable_usages) | variables,
            headers=self.context.headers.get(fetch.service_name, {}),
            deadline=self.context.deadline,
        )

    async def _send(self, request: SubgraphRequest, targets: Iterable[FetchTarget]) -> JsonObject | None:
        """Send a request and return the GraphQL response (execution §3.5, §4).

        If the request fails, record errors for all `targets` and return None.
        """
        try:
            response = await self.context.transport.send(request)
            self.responses.append(ResponseHead(request.subgraph, response.status, response.headers))
            return decode_response(request.subgraph, response)
        except TransportError as failure:
            for target in targets:
                self._record(target.fetch, fetch_failure(target, failure))
            return None

    def _data(self, target: FetchTarget, response: Mapping[str, object] | None) -> JsonObject:
        """Record the errors of a response, and return its data; empty if there is no valid data (execution §4)."""
        if response is None:
            return {}
        try:
            values = _values(target, response)
        except SubgraphMalformedResponse as failure:
            self._record(target.fetch, fetch_failure(target, failure))
            return {}
        data, entries = response.get("data"), response.get("errors")
        entries = entries if isinstance(entries, list) else []
        self._record(target.fetch, response_errors(target, entries, values))
        for objects, within in null_propagation(target, entries, values):
            self._make_unavailable(target.fetch, objects, within)
        if target.fetch.requires and (malformed := _not_objects(target, values)).places:
            not_object = SubgraphMalformedResponse(target.fetch.service_name, "The subgraph sent a wrong entity.")
            self._record(target.fetch, fetch_failure(malformed, not_object))
        return data if isinstance(data, dict) else {}

    def _client_variables(self, names: Iterable[str]) -> JsonObject:
        """Return the client's variables with these names, except variables that have no value (execution §6)."""
        variables = self.context.variables
        return {name: variables[name] for name in names if name in variables}

    def _record(self, fetch: Fetch, errors: list[ResponseError]) -> None:
        """Record the errors of a fetch and their paths (execution §4)."""
        self.errors_by_fetch.setdefault(fetch.id, []).extend(errors)
        for error in errors:
            if error.path is not None:
                self.failures.add(error.path)

    def _make_unavailable(self, fetch: Fetch, objects: list[ResponsePath], within: ResponsePath = ()) -> None:
        """Record that `fetch` could not fetch its fields of `objects` (execution §4).

        Args:
            fetch: The fetch.
            objects: The paths of the objects in the client's response.
            within: The path of the objects in the response to the fetch; empty if the fetch adds fields to the objects.
        """
        if not objects:
            return
        keys = self.keys_by_fetch.get(fetch.id)
        if keys is None:
            keys = self.keys_by_fetch[fetch.id] = output_keys(fetch)
        keys, add = keys_at(keys, within), self.unavailable.add if within else self.unavailable.add_fields
        for path in add(objects, keys):
            self.failures.add(path)


async def _ready(step: FetchStep, done: Mapping[int, asyncio.Event]) -> None:
    """Wait until the results of all fetches on which the step depends are merged (execution §3.7)."""
    for parent in step.fetch.depends_on:
        if parent in done:  # the subscription fetch is not in `done`: its event is already merged
            await done[parent].wait()


async def _skip(step: FetchStep, done: Mapping[int, asyncio.Event]) -> None:
    """Mark a skipped step as done when all fetches on which it depends are done (execution §3.7, §3.8)."""
    await _ready(step, done)
    done[step.fetch.id].set()


def _values(target: FetchTarget, response: Mapping[str, object]) -> Mapping[PathSegment, object]:
    """Return the value of each root field or entity of a response, by response key or index (execution §4).

    Raises:
        SubgraphMalformedResponse: The response has neither data nor errors, or not one entity for each representation.
    """
    data, errors = response.get("data"), response.get("errors")
    if data is None and errors:
        return {}
    fetch = target.fetch
    if not isinstance(data, dict):
        raise SubgraphMalformedResponse(fetch.service_name, "The subgraph sent neither data nor errors.")
    if not fetch.requires:
        return dict(data)
    entities = data.get(ENTITIES)
    if entities is None and errors:
        return {}
    if not isinstance(entities, list) or len(entities) != len(target.places):
        raise SubgraphMalformedResponse(
            fetch.service_name, "The subgraph did not send one entity for each representation."
        )
    return dict(enumerate(entities))


def _not_objects(target: FetchTarget, entities: Mapping[PathSegment, object]) -> FetchTarget:
    """Return the part of an entity fetch whose entities in the response are neither objects nor null."""
    positions = [
        position for position, entity in entities.items() if entity is not None and not isinstance(entity, dict)
    ]
    return FetchTarget(target.fetch, {position: target.places[position] for position in positions})
