"""The limits of one GraphQL request to a subgraph, and the errors of requests that exceed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import GraphQLError

if TYPE_CHECKING:
    from collections.abc import Collection

    from subgraphs.kit.operation_size import OperationSize

# The size of the largest accepted body. A body with a thousand representations has only about 100 KB.
MAX_BODY_BYTES: Final = 2_000_000
# The largest document: its tokens, its characters, and its selections with the fragments expanded. The time for
# parsing, validating and collecting fields grows with these numbers. Normal operations are much smaller, even if they
# have thirty aliases for each field of an object.
MAX_TOKENS: Final = 5_000
MAX_CHARACTERS: Final = 200_000
MAX_SELECTIONS: Final = 1_500
# The largest number of JSON values in the variables, and their deepest nesting. By default, a request may resolve 2,000
# objects. `MAX_VARIABLE_VALUES` is enough for 2,000 representations with five keys each.
MAX_VARIABLE_VALUES: Final = 12_000
MAX_VARIABLE_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The limits of one request. Each limit can be set with an environment variable.

    Attributes:
        objects: how many objects the request may resolve. The number is estimated before the execution and counted
            during it.
        depth: how deeply its fields may be nested.
        aliases: how many fields may have an alias.
        seconds: how long the request may take. A trusted caller can set a shorter time.
        introspection: whether it may ask for the schema. If it may not, error messages do not name parts of the schema
            either.
    """

    objects: int = 2_000
    depth: int = 12
    aliases: int = 30
    seconds: float = 30.0
    introspection: bool = False


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
