"""`RequestContext`: the data of one request, which the stages of the pipeline read and write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from router.json_codec import EncodedObject
from router.request.log_fields import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from router.errors import Refused, ResponseError
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.identity import Identity
    from router.request.request_and_response import GraphQLRequest
    from router.transport.interface import ResponseHead


class RequestContext(msgspec.Struct, kw_only=True, eq=False):
    """The data of one request while the request is processed. Stages write only attributes marked "Written by stages".

    Attributes:
        received: The request as the client sent it.
        request: The request that the router processes. It is `received`, or the request that `on_request` returned.
        deadline: The time on the event loop's clock at which the response must be complete.
        record: The fields of the request's log line.
        identity: Who sent the request; None without a valid credential. Written by stages in `on_request`: by
            the policy `authentication`, or by a stage of an embedding program.
        identity_failure: The refusal for a request whose credential could not be checked, although it may be valid. It
            is raised by stages that need to know who sent the request. Written with `identity`.
        operation: The operation to run, which stages can replace in `on_operation`. None until it is chosen.
        variables: The variables as the client sent them, or as stages have changed them in `on_operation`. After
            `on_operation` of all stages, the coerced variables. Written by stages in `on_operation`.
        override_labels: Labels of progressive overrides; the value is True if the label is active for this request.
            Written by stages in `on_operation`. For a label that is not in this mapping, the settings decide.
        fetch_headers: The headers of fetches, by subgraph name. Written by stages in `on_plan`.
        responses: Status and headers of every subgraph response, in the order of arrival; empty before execution.
        completed: The data of the response, as JSON values or an `EncodedObject`; None before execution.
        errors: Errors to add to the response. They precede the errors of the execution. Written by stages before
            execution.
        state: Values that stages store until the end of the request. Each stage uses its own keys. Written by stages.
    """

    received: GraphQLRequest
    request: GraphQLRequest
    deadline: float
    record: RequestRecord
    identity: Identity | None = None
    identity_failure: Refused | None = None
    operation: Operation | None = None
    variables: Mapping[str, object]
    override_labels: dict[str, bool] = msgspec.field(default_factory=dict)
    fetch_headers: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    responses: tuple[ResponseHead, ...] = ()
    completed: Mapping[str, object] | None = None
    errors: list[ResponseError] = msgspec.field(default_factory=list)
    state: dict[Hashable, object] = msgspec.field(default_factory=dict)

    @property
    def data(self) -> dict[str, object] | None:
        """The data of the response as plain JSON values; None before execution."""
        completed = self.completed
        if completed is None:
            return None
        return completed.members() if isinstance(completed, EncodedObject) else dict(completed)

    @classmethod
    def of(cls, request: GraphQLRequest, timeout: float) -> RequestContext:
        """Return the context of a request that arrives now. A request without a deadline gets `timeout` seconds."""
        deadline = request.deadline
        return cls(
            received=request,
            request=request,
            deadline=deadline if deadline is not None else asyncio.get_running_loop().time() + timeout,
            record=RequestRecord(operation_name=request.operation_name),
            variables=request.variables,
        )
