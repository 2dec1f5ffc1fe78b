"""Combine the arguments of a directive if subgraphs apply the directive to one element with different arguments.

For example, `@cost(weight: 1)` and `@cost(weight: 5)` become `@cost(weight: 5)`. See composition §5.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import boolean, integer, list_of, python_value, strings
from router.composition.merge.combine_auth_requirements import as_lists, conjunction, requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql.language import ConstValueNode

    Values = Sequence[ConstValueNode | None]
    ArgumentMerger = Callable[[Values], ConstValueNode | None]


def _all_of(values: Values) -> ConstValueNode:
    return list_of(strings(inner) for inner in as_lists(conjunction(requirement(python_value(v)) for v in values)))


def _maximum(values: Values) -> ConstValueNode | None:
    numbers = [number for value in values if isinstance(number := python_value(value), int)]
    return integer(max(numbers)) if numbers else None


def _union(values: Values) -> ConstValueNode | None:
    lists = [items for value in values if isinstance(items := python_value(value), list)]
    if not lists:
        return None
    return strings(dict.fromkeys(str(item) for items in lists for item in items))


def _conjunction(values: Values) -> ConstValueNode | None:
    booleans = [flag for value in values if isinstance(flag := python_value(value), bool)]
    return boolean(value=all(booleans)) if booleans else None


ARGUMENT_MERGERS: Mapping[str, Mapping[str, ArgumentMerger]] = {
    "requiresScopes": {"scopes": _all_of},
    "policy": {"policies": _all_of},
    "cost": {"weight": _maximum},
    "listSize": {
        "assumedSize": _maximum,
        "slicingArguments": _union,
        "sizedFields": _union,
        "requireOneSlicingArgument": _conjunction,
    },
}
"""Name of a directive → name of an argument → the function that combines the values of the argument.

If a directive is not in this table, the merged directive gets the most frequent arguments.
"""
