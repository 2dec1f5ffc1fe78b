"""What an execution is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

    from router.errors import ResponseError
    from router.transport.messages import Transport

JsonObject: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What is shared by all fetches of one execution.

    Attributes:
        schema: the full merged schema, hidden elements included: the types of representations.
        transport: carries the fetches.
        variables: coerced by `router.executor.graphql.variable_coercion.coerce`; a variable that is not set is absent.
        headers: by subgraph name, what policy lets through.
    """

    schema: GraphQLSchema
    transport: Transport
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """`data` in the client's field order, None when null reached the root; `errors` with their origins, unmasked."""

    data: JsonObject | None
    errors: tuple[ResponseError, ...] = ()
