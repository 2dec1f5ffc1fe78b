"""What the stages of the pipeline know of one request."""

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
    """One request while it is processed. Stages read all of it, and write where it says so.

    Attributes:
        received: The request as the client sent it.
        request: The request to go on with; `Stage.on_request` replaces it.
        deadline: When the response is due, in the event loop's time.
        record: What the log says of the request.
        operation: The operation to run, None before it is chosen; `Stage.on_operation` replaces it.
        variables: The client's variables as sent; coerced once the plan is being made.
        override_labels: Written by stages in `on_operation`: which labels of progressive overrides hold for this
            request. The configuration decides on the others.
        fetch_headers: Written by stages in `on_plan`: the headers of fetches, by subgraph name.
        responses: Status and headers of every subgraph response, in the order of arrival; there after execution.
        data: The data of the response; there after execution.
        errors: Written by stages before execution: errors that the response reports besides those of execution.
        state: For stages: values that one of them keeps until the end of the request, under a key of its own.
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
        """The context of a request that arrives now; its response is due after `timeout` seconds if it does not say."""
        deadline = request.deadline
        return cls(
            received=request,
            request=request,
            deadline=deadline if deadline is not None else asyncio.get_running_loop().time() + timeout,
            record=RequestRecord(operation_name=request.operation_name),
            variables=request.variables,
        )
