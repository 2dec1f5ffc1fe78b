"""Shows how clients used a schema: which elements no client used, and how much of each type was used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
)

from router.usage.used_coordinates import used_coordinates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import GraphQLNamedType, GraphQLSchema

    from router.usage.usage_data import OperationUsage


@dataclass(frozen=True, slots=True)
class ElementUsage:
    """One element of a schema, and the number of requests that used it."""

    coordinate: str
    requests: int
    is_deprecated: bool


def usage_of_schema(schema: GraphQLSchema, requests: Mapping[str, int]) -> list[ElementUsage]:
    """Return all types, fields, arguments, input fields and enum values of a schema, in order, with their requests."""
    return [
        ElementUsage(coordinate, requests.get(coordinate, 0), is_deprecated)
        for named in schema.type_map.values()
        if not is_introspection_type(named) and not is_specified_scalar_type(named)
        for coordinate, is_deprecated in _elements(named)
    ]


def add_unknown_variables(
    schema: GraphQLSchema, requests: Mapping[str, int], operations: Iterable[OperationUsage]
) -> dict[str, int]:
    """Return the number of requests that used each coordinate, or may have used it in their variables.

    The recorder does not look at the variables of all requests. If the variables of an operation were not looked at,
    the requests may have used everything in the types of these variables. An operation that is no longer valid for the
    schema is left out, because it cannot be executed.
    """
    added = dict(requests)
    for each in operations:
        if each.in_variables is not None:
            continue
        try:
            document = parse(each.operation.text)
        except GraphQLError:
            continue
        known = used_coordinates(schema, document, frozenset())
        for name in used_coordinates(schema, document) - known:
            added[name] = added.get(name, 0) + each.counts.requests
    return added


def _elements(named: GraphQLNamedType) -> Iterator[tuple[str, bool]]:
    yield named.name, False
    match named:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", field.deprecation_reason is not None
                for argument_name, argument in field.args.items():
                    yield f"{named.name}.{name}({argument_name}:)", argument.deprecation_reason is not None
        case GraphQLInputObjectType():
            for name, input_field in named.fields.items():
                yield f"{named.name}.{name}", input_field.deprecation_reason is not None
        case GraphQLEnumType():
            for name, value in named.values.items():
                yield f"{named.name}.{name}", value.deprecation_reason is not None
