"""Running a plan: the fetches, their order, and what becomes of their answers (§3, §4).

Each request is a task that waits for the fetches it depends on, not for a wave of them. A fetch that fails leaves its
errors and nothing else: what depends on it finds no objects to send and is skipped, everything else goes on.

    data = {}                                   fetch 0 (auth):   {me {__typename id}}
    data = {me: {__typename: User, id: 1}}      fetch 1 (account) at me: _entities(representations: [{User, 1}])
    data = {me: {..., accounts: [...]}}         completion: the client's fields in the client's order
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from router.errors import SubgraphMalformedResponse, TransportError
from router.executor.errors.failures import Failures
from router.executor.errors.subgraph_errors import ENTITIES, Delivery, reported, taken_along, transport_failure
from router.executor.errors.unavailable_values import Losses, asked, keys_at, root_keys
from router.executor.graphql.completion import NO_AFTERMATH, Aftermath, complete
from router.executor.graphql.introspection import introspect
from router.executor.graphql_over_http import decode_body
from router.executor.interpreter.batch_response import alike, split
from router.executor.interpreter.context_values import Surroundings
from router.executor.interpreter.flatten import collect
from router.executor.interpreter.merge import merge
from router.executor.interpreter.representations import Projection, input_keys
from router.executor.interpreter.rewrites import rename_in_path, rewritten
from router.executor.interpreter.schedule import requests
from router.transport.messages import ResponseHead, SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import PathSegment, ResponseError, ResponsePath
    from router.executor.context import ExecutionContext, ExecutionResult, JsonObject
    from router.executor.interpreter.flatten import Place
    from router.executor.interpreter.representations import Representations
    from router.executor.interpreter.schedule import Request, Step
    from router.operation import PreparedOperation
    from router.plan import BatchFetch, BatchPart, Fetch, QueryPlan


async def execute(
    plan: QueryPlan, operation: PreparedOperation, context: ExecutionContext, event: JsonObject | None = None
) -> ExecutionResult:
    """Run every fetch of `plan` and complete the response.

    For a subscription, `event` is the data of one event of its primary fetch. Nothing a subgraph does raises; it is
    told in the result's errors.
    """
    run = _Run(context)
    merge(context.schema, run.data, event or {})
    await run.all(tuple(requests(plan.node)))
    introspection = introspect(operation, context.variables)
    errors = run.errors()
    aftermath = Aftermath(input_keys(plan.fetches()), run.lost) if errors else NO_AFTERMATH
    result = complete(operation, context.variables, run.data | introspection, errors, aftermath)
    return replace(result, responses=tuple(run.responses))


@dataclass(frozen=True, slots=True)
class _Entities:
    """An entity fetch with what it tells about its objects, and where its answer belongs."""

    fetch: Fetch
    representations: Representations

    @property
    def delivery(self) -> Delivery:
        places = enumerate(self.representations.places)
        return Delivery(self.fetch, {index: [place.path for place in group] for index, group in places})


@dataclass(slots=True)
class _Run:
    """The state of one execution: the response tree, and what went wrong by step."""

    context: ExecutionContext
    data: JsonObject = field(default_factory=dict)
    failures: Failures = field(default_factory=Failures)
    lost: Losses = field(default_factory=Losses)
    errors_by_step: dict[int, list[ResponseError]] = field(default_factory=dict)
    responses: list[ResponseHead] = field(default_factory=list)

    def errors(self) -> list[ResponseError]:
        """In the plan's order, whatever the order of arrival."""
        return [error for _, errors in sorted(self.errors_by_step.items()) for error in errors]

    async def all(self, planned: tuple[Request, ...]) -> None:
        """Every request at once, each waiting for what it needs; conditions leave steps out (§3.7, §3.8)."""
        done = {step.fetch.id: asyncio.Event() for request in planned for step in request.steps}
        async with asyncio.TaskGroup() as tasks:
            for request in planned:
                wanted = tuple(step for step in request.steps if step.is_wanted(self.context.variables))
                if wanted:
                    tasks.create_task(self._when_ready(replace(request, steps=wanted), done))
                for step in request.steps:
                    if step not in wanted:
                        tasks.create_task(_pass_on(step, done))

    async def _when_ready(self, request: Request, done: Mapping[int, asyncio.Event]) -> None:
        """Run the request when all that its steps depend on is merged (§3.7)."""
        for step in request.steps:
            await _ready(step, done)
        if request.batch is None:
            (step,) = request.steps
            await self._run(step)
        else:
            await self._run_batch(request.batch, request.steps)
        for step in request.steps:
            done[step.fetch.id].set()

    async def _run(self, step: Step) -> None:
        """Collect the objects and fetch for them; without any there is nothing to do (§3.1, §3.4)."""
        places = collect(self.data, step.path)
        if not places:
            return
        around = Surroundings(self.context.schema, self.data, self.failures)
        groups, unknown = around.by_context(step.fetch, places)
        self._lose(step.fetch, [place.path for place in unknown])
        fetch = self._fetch_entities if step.fetch.requires else self._fetch_root
        async with asyncio.TaskGroup() as tasks:
            for variables, group in groups:
                tasks.create_task(fetch(step.fetch, group, variables))

    async def _run_batch(self, batch: BatchFetch, steps: tuple[Step, ...]) -> None:
        """One request for the parts that have something to ask; those that ask the same are one (§3.9)."""
        asking: list[tuple[BatchPart, _Entities]] = []
        for first, *others in alike(steps):
            places = [place for step in (first, *others) for place in collect(self.data, step.path)]
            entities = self._represented(first.fetch, places)
            if first.part is not None and entities is not None:
                asking.append((first.part, entities))
        if len(asking) == 1:
            await self._fetch_represented(asking[0][1], {})
        elif asking:
            await self._fetch_together(batch, asking)

    async def _fetch_root(self, fetch: Fetch, places: list[Place], variables: JsonObject) -> None:
        """Fetch from an operation root, merge at every place (§3.5, §3.6)."""
        renamed = {key: rename_in_path(fetch.output_rewrites, (key,)) for key in root_keys(fetch)}
        delivery = Delivery(fetch, {key: [(*p.path, *name) for p in places] for key, name in renamed.items()})
        body = await self._send(self._request(fetch, variables), [delivery])
        data = self._data(delivery, body)
        if not data:
            return
        result = rewritten(self.context.schema, fetch.output_rewrites, data)
        for place in places:
            merge(self.context.schema, place.object, result)

    async def _fetch_entities(self, fetch: Fetch, places: list[Place], variables: JsonObject) -> None:
        """Fetch by representations, if there are any (§3.2 to §3.6)."""
        entities = self._represented(fetch, places)
        if entities is not None:
            await self._fetch_represented(entities, variables)

    def _represented(self, fetch: Fetch, places: list[Place]) -> _Entities | None:
        """What is told about the objects, None when there is nothing to tell (§3.2 to §3.4)."""
        projection = Projection(self.context.schema, self.failures, self.context.variables)
        representations = projection.represent(fetch, places)
        self._lose(fetch, [place.path for place in representations.unknown])
        return _Entities(fetch, representations) if representations.values else None

    async def _fetch_represented(self, entities: _Entities, variables: JsonObject) -> None:
        """One entity fetch in one request (§3.5, §3.6)."""
        fetch = entities.fetch
        request = self._request(fetch, variables | {fetch.representations: entities.representations.values})
        self._merge_entities(entities, await self._send(request, [entities.delivery]))

    async def _fetch_together(self, batch: BatchFetch, asking: list[tuple[BatchPart, _Entities]]) -> None:
        """Several entity fetches in one request, each given its part of the answer (§3.9)."""
        parts = [part for part, _ in asking]
        told = {part.representations: entities.representations.values for part, entities in asking}
        request = SubgraphRequest(
            subgraph=batch.service_name,
            operation=batch.operation(parts),
            operation_name=batch.operation_name,
            operation_kind="query",
            variables=self._client_variables(batch.variable_usages(parts)) | told,
            headers=self.context.headers.get(batch.service_name, {}),
            deadline=self.context.deadline,
        )
        body = await self._send(request, [entities.delivery for _, entities in asking])
        if body is not None:
            for (_, entities), own in zip(asking, split(body, [part.alias for part in parts]), strict=True):
                self._merge_entities(entities, own)

    def _merge_entities(self, answered: _Entities, body: Mapping[str, object] | None) -> None:
        """Put each entity at all places of its representation (§3.6)."""
        entities = self._data(answered.delivery, body).get(ENTITIES)
        if not isinstance(entities, list):
            return
        for entity, group in zip(entities, answered.representations.places, strict=True):
            if isinstance(entity, dict):
                result = rewritten(self.context.schema, answered.fetch.output_rewrites, entity)
                for place in group:
                    merge(self.context.schema, place.object, result)

    def _request(self, fetch: Fetch, variables: JsonObject) -> SubgraphRequest:
        """What is sent: the client's variables only where they are used (§3.5)."""
        return SubgraphRequest(
            subgraph=fetch.service_name,
            operation=fetch.operation,
            operation_name=fetch.operation_name,
            operation_kind=fetch.operation_kind,
            variables=self._client_variables(fetch.variable_usages) | variables,
            headers=self.context.headers.get(fetch.service_name, {}),
            deadline=self.context.deadline,
        )

    async def _send(self, request: SubgraphRequest, deliveries: Iterable[Delivery]) -> Mapping[str, object] | None:
        """The GraphQL response of the subgraph, None when the fetch failed (§3.5, §4)."""
        try:
            response = await self.context.transport.send(request)
            self.responses.append(ResponseHead(request.subgraph, response.status, response.headers))
            return decode_body(request.subgraph, response)
        except TransportError as failure:
            for delivery in deliveries:
                self._record(delivery.fetch, transport_failure(delivery, failure))
            return None

    def _data(self, delivery: Delivery, body: Mapping[str, object] | None) -> JsonObject:
        """The data of a response, empty when it has none or is no response to the request; errors are recorded (§4)."""
        if body is None:
            return {}
        try:
            answered = _answered(delivery, body)
        except SubgraphMalformedResponse as failure:
            self._record(delivery.fetch, transport_failure(delivery, failure))
            return {}
        data, entries = body.get("data"), body.get("errors")
        entries = entries if isinstance(entries, list) else []
        self._record(delivery.fetch, reported(delivery, entries, answered))
        for objects, within in taken_along(delivery, entries, answered):
            self._lose(delivery.fetch, objects, within)
        return data if isinstance(data, dict) else {}

    def _client_variables(self, names: Iterable[str]) -> JsonObject:
        """Those of the names that are set: what is not stays absent (§6)."""
        variables = self.context.variables
        return {name: variables[name] for name in names if name in variables}

    def _record(self, fetch: Fetch, errors: list[ResponseError]) -> None:
        """Keep errors, and where they leave values unknown (§4)."""
        self.errors_by_step.setdefault(fetch.id, []).extend(errors)
        for error in errors:
            if error.path is not None:
                self.failures.add(error.path)

    def _lose(self, fetch: Fetch, objects: list[ResponsePath], within: ResponsePath = ()) -> None:
        """What a fetch was to bring for objects is unknown; `within` is their path in its answer (§4)."""
        if not objects:
            return  # the usual case, which need not read the operation
        keys = keys_at(asked(fetch), within)
        for path in self.lost.add(objects, keys) if within else self.lost.add_fields(objects, keys):
            self.failures.add(path)


async def _ready(step: Step, done: Mapping[int, asyncio.Event]) -> None:
    """Wait until everything is merged that the step depends on (§3.7)."""
    for parent in step.fetch.depends_on:
        if parent in done:  # the primary fetch of a subscription is none of ours: its event is where we start
            await done[parent].wait()


async def _pass_on(step: Step, done: Mapping[int, asyncio.Event]) -> None:
    """What waits for a step that is not wanted waits through it for what the step waits for (§3.7, §3.8)."""
    await _ready(step, done)
    done[step.fetch.id].set()


def _answered(delivery: Delivery, body: Mapping[str, object]) -> Mapping[PathSegment, object]:
    """What came back at each root position (§4).

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
