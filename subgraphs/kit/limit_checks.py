"""Compares a GraphQL request with its limits, and makes the errors of requests that exceed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError

from subgraphs.kit.request_limits import MAX_SELECTIONS, MAX_VARIABLE_DEPTH, MAX_VARIABLE_VALUES

if TYPE_CHECKING:
    from collections.abc import Collection

    from subgraphs.kit.operation_size import OperationSize
    from subgraphs.kit.request_limits import RequestLimits


def too_expensive(estimate: int, limit: int) -> GraphQLError:
    """Return the error of an operation that resolves, or can resolve, `estimate` objects."""
    return GraphQLError(
        f"The query can resolve up to {estimate} objects; at most {limit} are allowed. Ask for smaller pages.",
        extensions={"code": "QUERY_TOO_EXPENSIVE", "estimate": estimate, "limit": limit},
    )


def check_size(size: OperationSize, limits: RequestLimits) -> None:
    """Raise a GraphQLError with the code of the first limit that `size` exceeds."""
    for what, measured, limit, code in (
        ("fields nested", size.depth, limits.depth, "MAX_DEPTH_LIMIT"),
        ("aliases", size.aliases, limits.aliases, "MAX_ALIASES_LIMIT"),
        ("selections", size.selections, MAX_SELECTIONS, "MAX_FIELDS_LIMIT"),
    ):
        if measured > limit:
            raise over_limit(what, limit, code)


def over_limit(what: str, limit: int, code: str) -> GraphQLError:
    return GraphQLError(f"The operation has more than {limit} {what}", extensions={"code": code, "limit": limit})


def check_variables(variables: object) -> None:
    """Check the number and nesting of the JSON values in the variables, before recursive functions process them.

    Raises:
        GraphQLError: there are too many values, or they are nested too deeply; `BAD_USER_INPUT`.
    """
    count, level, depth = 0, [variables], 0
    while level:
        count += len(level)
        depth += 1
        if count > MAX_VARIABLE_VALUES or depth > MAX_VARIABLE_DEPTH:
            raise GraphQLError(
                f"The variables have more than {MAX_VARIABLE_VALUES} values, or more than {MAX_VARIABLE_DEPTH} levels",
                extensions={"code": "BAD_USER_INPUT"},
            )
        level = [value for parent in level for value in _children(parent)]


def _children(value: object) -> Collection[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
