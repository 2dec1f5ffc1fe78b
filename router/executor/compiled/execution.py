"""Execute a compiled plan: send its requests, and build the client's response (execution §3.11).

    encode the body ─> send ─> decode into classes ─> place in objects ─> ... ─> finish ─> encode the response

The compiled execution ends if a response does not have the expected form (a *misfit*): for example, it has errors, a
value of another type, or a missing field. The interpreter then executes the plan. It uses the responses that have
already arrived, so no request is sent again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from router import json_codec
from router.errors import TransportError
from router.executor.compiled.generate_response_classes import attribute_of
from router.executor.compiled.globals_of_generated_code import ContextGroup, Misfit
from router.executor.compiled.recorded_responses import RecordingTransport, UnknownField
from router.executor.compiled.requests_in_line import fitting, run_in_line, subgraph_request
from router.executor.context_and_result import ExecutionResult
from router.executor.interpreter.execution import execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.executor.compiled.compile_plan import CompiledPlan
    from router.executor.compiled.compiled_requests import CompiledPart, CompiledRequest, Form
    from router.executor.context_and_result import ExecutionContext
    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan


MISFITS: Final = (Misfit, msgspec.DecodeError, ArithmeticError, RecursionError, UnicodeDecodeError)


async def execute_compiled(
    compiled: CompiledPlan, plan: QueryPlan, operation: PreparedOperation, context: ExecutionContext
) -> tuple[ExecutionResult, Exception | None]:
    """Execute a compiled plan and return the result.

    The second value is the misfit that ended the compiled execution, or None.
    """
    transport = RecordingTransport(context.transport)
    try:
        data = await (_run if compiled.line is None else run_in_line)(compiled, context, transport)
    except MISFITS as misfit:
        result = await execute(plan, operation, replace(context, transport=transport))
        result = replace(result, responses=tuple(transport.heads))
        # msgspec has no exception of its own for this case.
        if isinstance(misfit, msgspec.ValidationError) and "unknown field" in str(misfit):
            return result, UnknownField(str(misfit), context.variables, transport)
        return result, misfit
    return ExecutionResult(json_codec.EncodedObject(data), (), tuple(transport.heads)), None


async def _run(compiled: CompiledPlan, context: ExecutionContext, transport: RecordingTransport) -> bytes:
    """Run all requests and return the data of the client's response as JSON.

    Raises:
        Misfit: A response does not have the expected form. The other exceptions in `MISFITS` have the same meaning.
    """
    run = _Run(compiled, context, transport)
    try:
        return await run.data()
    finally:
        run.cancel()


class _Collected:
    """The objects and representations of one part of a request.

    `position` is the index of the part in the request. `found` has the objects for each fetch of the part, with the
    positions of their representations. `context` has the values of `@fromContext` arguments as variables.
    """

    __slots__ = ("context", "found", "part", "position", "representations")

    def __init__(self, position: int, part: CompiledPart) -> None:
        self.position = position
        self.part = part
        self.representations: list[Any] = []
        self.found: list[tuple[list[Any], list[int] | None]] = []
        self.context: Mapping[str, object] | None = None

    @classmethod
    def all(cls, position: int, part: CompiledPart, at: list[Any]) -> _Collected:
        """Collect the objects of all fetches of the part."""
        collected = cls(position, part)
        seen: dict[Any, Any] = {}
        collected.found = [
            step.collect(at, seen, collected.representations) if step.collect is not None else (at[0], None)
            for step in part.steps
        ]
        return collected

    @classmethod
    def by_context(cls, part: CompiledPart, at: list[Any]) -> Iterator[_Collected]:
        """Collect the objects of a fetch, grouped by the values of its `@fromContext` arguments."""
        groups: dict[bytes, ContextGroup] = {}
        for step in part.steps:
            if step.collect is not None:
                step.collect(at, groups)
        for group in groups.values():
            collected = cls(0, part)
            collected.representations = group.representations
            collected.found = [(group.objects, group.positions)]
            collected.context = group.values
            yield collected


class _Run:
    """The state of one execution. `_at` maps the number of a shape to the objects that were collected for the shape."""

    __slots__ = ("_at", "_compiled", "_context", "_misfit", "_tasks", "_transport", "_waits")

    def __init__(self, compiled: CompiledPlan, context: ExecutionContext, transport: RecordingTransport) -> None:
        self._compiled = compiled
        self._context = context
        self._at = compiled.objects()
        self._waits = [request.parents for request in compiled.requests]
        self._tasks: list[asyncio.Task[None]] = []
        self._misfit: Exception | None = None
        self._transport = transport

    async def data(self) -> bytes:
        """Run all requests and return the data of the client's response as JSON."""
        await self._start([number for number, parents in enumerate(self._waits) if not parents])
        while self._tasks and self._misfit is None:
            await self._tasks.pop()
        if self._misfit is not None:
            raise self._misfit
        return self._compiled.data(self._at)

    async def _start(self, ready: list[int]) -> None:
        """Run the requests `ready`, and then the requests that wait for them.

        The objects of all ready requests are collected first, because a response that arrives later could add objects.
        One ready request runs in the current task. Each other request gets its own task. No further request is sent
        after a misfit (a response of an unexpected form), because the interpreter then executes the plan.
        """
        while ready and self._misfit is None:
            try:
                collected = [self._collect(self._compiled.requests[number]) for number in ready]
                for number, found in zip(ready[1:], collected[1:], strict=True):
                    self._tasks.append(asyncio.create_task(self._run_and_follow(number, found)))
                ready = await self._run(ready[0], collected[0])
            except MISFITS as misfit:
                self._misfit = misfit

    async def _run_and_follow(self, number: int, collected: Sequence[Sequence[_Collected]]) -> None:
        try:
            ready = await self._run(number, collected)
        except MISFITS as misfit:
            self._misfit = misfit
        else:
            await self._start(ready)

    def _collect(self, request: CompiledRequest) -> list[list[_Collected]]:
        """Collect the objects for each part of a request. Return only the parts that have objects.

        Each item of the result is sent in a request of its own. There are several items if the objects have different
        values of `@fromContext` arguments.
        """
        first = request.parts[0]
        if first.steps[0].has_context:
            return [[one] for one in _Collected.by_context(first, self._at) if one.representations]
        found = (_Collected.all(position, part, self._at) for position, part in enumerate(request.parts))
        sent = [one for one in found if one.representations or (not one.part.fetch.requires and one.found[0][0])]
        return [sent] if sent else []

    async def _run(self, number: int, collected: Sequence[Sequence[_Collected]]) -> list[int]:
        """Send a request and place the fetched fields. Return the requests that can start after that."""
        request = self._compiled.requests[number]
        if collected and self._misfit is None:
            first, *others = collected
            tasks = [asyncio.create_task(self._send_and_place(request, one)) for one in others]
            self._tasks += tasks
            await self._send_and_place(request, first)
            for task in tasks:
                await task
        ready = []
        for child in request.children:
            self._waits[child] -= 1
            if not self._waits[child]:
                ready.append(child)
        return ready

    async def _send_and_place(self, request: CompiledRequest, collected: Sequence[_Collected]) -> None:
        form = request.form(tuple(one.position for one in collected))
        body = await self._body_of_response(request, form, collected)
        decoded = form.decoder.decode(body).data
        for one, own_decoders in zip(collected, form.own_decoders, strict=True):
            for step, (objects, positions), own in zip(one.part.steps, one.found, own_decoders, strict=True):
                data = decoded if own is None else own.decode(body).data
                if not one.part.fetch.requires:
                    step.place(objects, None, [data] * len(objects))
                    continue
                key = "entities" if len(collected) == 1 else attribute_of(_alias(one.part))
                entities = getattr(data, key)
                if entities is msgspec.UNSET or len(entities) != len(one.representations):
                    raise Misfit("not one entity for each representation")
                step.place(objects, positions, entities)

    async def _body_of_response(self, request: CompiledRequest, form: Form, collected: Sequence[_Collected]) -> bytes:
        context = self._context
        representations = [one.representations for one in collected if one.part.fetch.requires]
        body = form.body(context.variables, representations, collected[0].context)
        sent = subgraph_request(request.parts[0].fetch, form, context, body)
        try:
            response = await self._transport.first(sent, body)
        except TransportError as failure:
            raise Misfit("a request failed") from failure
        return fitting(response)

    def cancel(self) -> None:
        """Cancel the tasks that still run after a misfit or a cancellation.

        If a task has ended with an exception, retrieve the exception, because asyncio otherwise logs it. The exception
        is not lost: the interpreter sent the same request and received the same exception.
        """
        for task in self._tasks:
            if not task.cancel() and not task.cancelled():
                task.exception()


def _alias(part: CompiledPart) -> str:
    return "" if part.part is None else part.part.alias
