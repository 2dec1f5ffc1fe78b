"""Define the input of executing a plan (`ExecutionContext`) and the result (`ExecutionResult`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

    from router.errors import ResponseError
    from router.transport.interface import Caller, ResponseHead, Transport

JsonObject: TypeAlias = dict[str, object]


class ExecutionContext(msgspec.Struct, frozen=True, eq=False):
    """The data that all fetches of one execution share.

    Attributes:
        schema: The merged schema. It contains the `@inaccessible` elements too, because fetches can use them.
        transport: The transport that sends the fetches.
        variables: The client's variables after coercion (`graphql/variable_coercion.py`). A variable without a value is
            absent.
        headers: The headers to send to each subgraph, by subgraph name. The header rules are already applied.
        caller: Whether the client's request had a credential, and whether the router has verified it.
        deadline: The time by which every fetch must be complete, on the event loop's clock; None without a deadline.
        sends_bodies: Whether fetches can be sent as encoded bodies alone, without `variables`. True if requests go to
            servers and no stage changes them.
    """

    schema: GraphQLSchema
    transport: Transport
    variables: Mapping[str, object] = msgspec.field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)
    deadline: float | None = None
    caller: Caller = "unverified"
    sends_bodies: bool = False


class ExecutionResult(msgspec.Struct, frozen=True):
    """The response to the client. Its errors are not masked yet.

    Attributes:
        data: The fields in the client's order; None if a null propagated to the root.
        errors: The errors of the subgraphs and of the router.
        responses: The status and headers of every subgraph response, in the order in which the responses arrived.
    """

    data: Mapping[str, object] | None
    errors: tuple[ResponseError, ...] = ()
    responses: tuple[ResponseHead, ...] = ()
