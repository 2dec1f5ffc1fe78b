"""The input of an execution (`ExecutionContext`) and its result (`ExecutionResult`)."""

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
    """The data that all fetches of one execution share.

    Attributes:
        schema: The merged schema, with `@inaccessible` elements because fetches can use them.
        transport: Sends the fetches.
        variables: The client's variables, coerced (`graphql/variable_coercion.py`); a variable without value is absent.
        headers: The request headers for each subgraph, by subgraph name, after the header rules.
        deadline: The time in the event loop at which all fetches end; None without a deadline.
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
        data: The fields in the client's order; None if a null propagated to the root.
        errors: The errors of the subgraphs and of the router.
        responses: The status and headers of every subgraph response, in the order of arrival.
    """

    data: JsonObject | None
    errors: tuple[ResponseError, ...] = ()
    responses: tuple[ResponseHead, ...] = ()
