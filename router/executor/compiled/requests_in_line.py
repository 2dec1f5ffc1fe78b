"""Run the requests of a compiled plan one after the other, if each request waits for the one before it.

Many plans are such a line: one fetch, or a fetch and then a fetch of entities. `execution` runs all plans. Its tasks
and its sets of ready requests are not needed here. The results are the same.

If several executions get the same response (`SharedBody`), one of them computes what follows from it, and the others
take the result, as long as all their responses are the same:

    first     send ─> response ─┬─> decode, place, encode the next request ─> send ─> response ─┬─> decode, ... data
    second    send ─────────────┴─> the same next request ──────────────────> send ─────────────┴─> the same data
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from router import json_codec
from router.errors import TransportError
from router.executor.compiled.globals_of_generated_code import Misfit
from router.transport.interface import SharedBody, SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Mapping

    from router.executor.compiled.compile_plan import CompiledPlan
    from router.executor.compiled.compiled_requests import Form
    from router.executor.compiled.recorded_responses import RecordingTransport
    from router.executor.context_and_result import ExecutionContext
    from router.plan import Fetch
    from router.transport.interface import SubgraphResponse

LARGE: Final = 1_048_576
"""A response with more bytes is a misfit, because the interpreter decodes large responses in a thread.

The decoder of msgspec never lets other threads run. Decoding this number of bytes takes a few milliseconds.
"""


_ONLY_PART: Final = (0,)


class _Step(msgspec.Struct, frozen=True, eq=False):
    """A request that is to be sent. `body` is its encoded body."""

    fetch: Fetch
    form: Form
    body: bytes


async def run_in_line(compiled: CompiledPlan, context: ExecutionContext, transport: RecordingTransport) -> bytes:
    """Send the requests of `compiled.line`, and return the data of the client's response as JSON.

    `transport` keeps the responses for the interpreter. The transport of `context` sends the requests.

    Raises:
        Misfit: A response does not have the expected form. The other exceptions in `MISFITS` have the same meaning.
    """
    computation = _Computation(compiled, context.variables)
    step = computation.begin()
    while isinstance(step, _Step):
        sent = subgraph_request(step.fetch, step.form, context, step.body)
        try:
            response = await context.transport.send(sent)
        except TransportError as failure:
            transport.keep_failure(sent, step.body, failure)
            raise Misfit("a request failed") from failure
        transport.keep(sent, step.body, response)
        step = computation.follow(fitting(response))
    return step


class _Computation:
    """Computes each request from the responses so far, and the data from all responses.

    `_skipped` has the responses that were not decoded, because another execution has computed what follows from them.
    `_key` stands for the plan, the variables and the responses so far; None before the first response.
    """

    __slots__ = ("_compiled", "_key", "_skipped", "_steps", "_variables")

    def __init__(self, compiled: CompiledPlan, variables: Mapping[str, object]) -> None:
        self._compiled, self._variables = compiled, variables
        self._steps = _steps(compiled, variables)
        self._skipped: list[bytes] = []
        self._key: Hashable = None

    def begin(self) -> _Step | bytes:
        """Return the first request, or the data if no request is sent."""
        return next(self._steps)

    def follow(self, body: bytes) -> _Step | bytes:
        """Return the next request, or the data. `body` is the body of the response to the request before."""
        if not isinstance(body, SharedBody):
            found = self._compute(body)
        else:
            key = self._key if self._key is not None else (self._compiled, json_codec.encode(self._variables))
            known = body.results.get(key)
            if isinstance(known, _Step | bytes):
                self._skipped.append(body)
                found = known
            else:
                found = body.results[key] = self._compute(body)
        self._key = found
        return found

    def _compute(self, body: bytes) -> _Step | bytes:
        for skipped in self._skipped:
            self._steps.send(skipped)
        self._skipped.clear()
        return self._steps.send(body)


def _steps(compiled: CompiledPlan, variables: Mapping[str, object]) -> Generator[_Step | bytes, bytes, None]:
    """Yield each request. `send` the body of the response, and the generator yields the next request, or the data."""
    at: list[Any] = compiled.objects()
    for request in compiled.line or ():
        (part,) = request.parts
        ((step,), fetch) = part.steps, part.fetch
        representations: list[Any] = []
        objects, positions = at[0], None
        if step.collect is not None:
            objects, positions = step.collect(at, {}, representations)
        if not representations and (fetch.requires or not objects):
            continue
        form = request.forms.get(_ONLY_PART) or request.form(_ONLY_PART)
        body = yield _Step(fetch, form, form.body(variables, (representations,) if fetch.requires else ()))
        data = form.decoder.decode(body).data
        if not fetch.requires:
            step.place(objects, None, [data] * len(objects))
            continue
        entities = data.entities
        if entities is msgspec.UNSET or len(entities) != len(representations):
            raise Misfit("not one entity for each representation")
        step.place(objects, positions, entities)
    yield compiled.data(at)


def subgraph_request(fetch: Fetch, form: Form, context: ExecutionContext, body: bytes) -> SubgraphRequest:
    """Return the request with this body."""
    sends_body = context.sends_bodies
    return SubgraphRequest(
        subgraph=fetch.service_name,
        operation=form.operation,
        operation_name=form.operation_name,
        operation_kind=fetch.operation_kind,
        variables={} if sends_body else form.variables_in(body),
        headers=context.headers.get(fetch.service_name, {}),
        body=body if sends_body else None,
        deadline=context.deadline,
        caller=context.caller,
        fetch_ids=form.fetch_ids,
    )


def fitting(response: SubgraphResponse) -> bytes:
    """Return the body of a response. Raises `Misfit` if the body is large."""
    if len(response.body) > LARGE:
        raise Misfit("the response is large")
    body = response.body
    return body.removeprefix(json_codec.BYTE_ORDER_MARK) if body.startswith(json_codec.BYTE_ORDER_MARK) else body
