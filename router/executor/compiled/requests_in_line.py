"""Run the requests of a compiled plan one after the other, if each request waits for the one before it.

Many plans are such a line: one fetch, or a fetch and then a fetch of entities. `execution` runs all plans. Its tasks
and its sets of ready requests are not needed here. The results are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from router import json_codec
from router.errors import TransportError
from router.executor.compiled.globals_of_generated_code import Misfit
from router.transport.interface import SubgraphRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.executor.compiled.compiled_requests import CompiledRequest, Form
    from router.executor.compiled.recorded_responses import RecordingTransport
    from router.executor.context_and_result import ExecutionContext
    from router.plan import Fetch
    from router.transport.interface import SubgraphResponse

LARGE: Final = 1_048_576
"""A response with more bytes is a misfit, because the interpreter decodes large responses in a thread.

The decoder of msgspec never lets other threads run. Decoding this number of bytes takes a few milliseconds.
"""


_ONLY_PART: Final = (0,)


async def run_in_line(
    line: Sequence[CompiledRequest], at: list[Any], context: ExecutionContext, transport: RecordingTransport
) -> None:
    """Send the requests of `line`, and place the fetched fields in the objects of `at`.

    Args:
        line: The requests (`CompiledPlan.line`).
        at: The objects of each shape, by the number of the shape. The first item has the root.
        context: The data of the execution. Its transport sends the requests.
        transport: Keeps the responses for the interpreter.

    Raises:
        Misfit: A response does not have the expected form. The other exceptions in `MISFITS` have the same meaning.
    """
    for request in line:
        (part,) = request.parts
        ((step,), fetch) = part.steps, part.fetch
        representations: list[Any] = []
        objects, positions = at[0], None
        if step.collect is not None:
            objects, positions = step.collect(at, {}, representations)
        if not representations and (fetch.requires or not objects):
            continue
        form = request.forms.get(_ONLY_PART) or request.form(_ONLY_PART)
        body = form.body(context.variables, (representations,) if fetch.requires else ())
        sent = subgraph_request(fetch, form, context, body)
        try:
            response = await context.transport.send(sent)
        except TransportError as failure:
            transport.keep_failure(sent, body, failure)
            raise Misfit("a request failed") from failure
        transport.keep(sent, body, response)
        data = form.decoder.decode(fitting(response)).data
        if not fetch.requires:
            step.place(objects, None, [data] * len(objects))
            continue
        entities = data.entities
        if entities is msgspec.UNSET or len(entities) != len(representations):
            raise Misfit("not one entity for each representation")
        step.place(objects, positions, entities)


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
    return response.body.removeprefix(json_codec.BYTE_ORDER_MARK)
