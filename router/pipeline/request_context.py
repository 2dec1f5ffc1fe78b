"""The data of one request that the stages of the pipeline read and write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.request.log_fields import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from router.errors import ResponseError
    from router.preparation.request_operation import Operation
    from router.request.request_and_response import GraphQLRequest
    from router.transport.interface import ResponseHead


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """The data of one request while the request is processed. A stage may write only where this list says so.

    Attributes:
        received: The request as the client sent it.
        request: The request that is processed; `Stage.on_request` can replace the client's request.
        deadline: When the response is due, in the event loop's time.
        record: The fields of the request's log line.
        operation: The operation to run, None before it is chosen; `Stage.on_operation` can replace the operation.
        variables: The client's variables, as sent until `Stage.on_operation` has run, then coerced.
        override_labels: Written by stages in `on_operation`: labels of progressive overrides, each with True if it is
            active for this request. The configuration decides on all other labels.
        fetch_headers: Written by stages in `on_plan`: the headers of fetches, by subgraph name.
        responses: Status and headers of every subgraph response, in the order of arrival; empty before execution.
        data: The data of the response; None before execution.
        errors: Written by stages before execution: errors that the response reports before those of execution.
        state: Values that a stage stores until the end of the request. Each stage uses its own keys.
    """

    received: GraphQLRequest
    request: GraphQLRequest
    deadline: float
    record: RequestRecord
    operation: Operation | None = None
    variables: Mapping[str, object]
    override_labels: dict[str, bool] = field(default_factory=dict)
    fetch_headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    responses: tuple[ResponseHead, ...] = ()
    data: object = None
    errors: list[ResponseError] = field(default_factory=list)
    state: dict[Hashable, object] = field(default_factory=dict)

    @classmethod
    def of(cls, request: GraphQLRequest, timeout: float) -> RequestContext:
        """Return the context of a request that arrives now. `timeout` applies if the request has no deadline."""
        deadline = request.deadline
        return cls(
            received=request,
            request=request,
            deadline=deadline if deadline is not None else asyncio.get_running_loop().time() + timeout,
            record=RequestRecord(operation_name=request.operation_name),
            variables=request.variables,
        )
