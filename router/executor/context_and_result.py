"""The input and the result of an execution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

    from router.errors import ResponseError
    from router.transport.interface import ResponseHead, Transport

JsonObject: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What all fetches of one execution share.

    Attributes:
        schema: The full merged schema, internal elements included: the types of representations.
        transport: Sends the fetches.
        variables: Coerced by `router.executor.graphql.variable_coercion.coerce`; a variable without value is absent.
        headers: By subgraph name, those that header rules let through.
        deadline: When the client's response is due, in the event loop's time; no fetch outlives it. None for no bound.
    """

    schema: GraphQLSchema
    transport: Transport
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The response to the client, before masking.

    Attributes:
        data: In the client's field order; None when a null propagated to the root.
        errors: With their origins.
        responses: Status and headers of every subgraph response, in the order of arrival.
    """

    data: JsonObject | None
    errors: tuple[ResponseError, ...] = ()
    responses: tuple[ResponseHead, ...] = ()
