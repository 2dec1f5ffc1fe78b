"""Finds the refused fields that a request really selects, given its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

from router.plan.client_and_internal_response_keys import client_key
from router.policies.authorization.selection_conditions import is_included
from router.policies.read_conditions_and_list_sizes import defaults_of
from router.request.withheld_fields import is_refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import SelectionSetNode

    from router.get_operation import PreparedOperation

MAX_PATHS: Final = 100
"""A refusal names at most this many fields."""


def refused_paths(operation: PreparedOperation, variables: Mapping[str, object]) -> tuple[tuple[str, ...], ...]:
    """Return the path of each refused field that is not excluded by `@skip` or `@include`.

    `operation` is the client's operation, in which refused fields are marked (`request/withheld_fields`). `variables`
    are the variables of the request. A path consists of response keys. It has no list indices, because nothing is
    fetched for a refused operation.
    """
    found: dict[tuple[str, ...], None] = {}
    for path in _paths(operation, operation.definition.selection_set, {**defaults_of(operation), **variables}, ()):
        found[path] = None
        if len(found) == MAX_PATHS:
            break
    return tuple(found)


def _paths(
    operation: PreparedOperation, selections: SelectionSetNode, variables: Mapping[str, object], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    for selection in selections.selections:
        if not is_included(selection, variables):
            continue
        match selection:
            case FieldNode(selection_set=inner):
                key = (*path, client_key(selection))
                if is_refused((selection,)):
                    yield key
                elif inner is not None:
                    yield from _paths(operation, inner, variables, key)
            case InlineFragmentNode(selection_set=inner):
                yield from _paths(operation, inner, variables, path)
            case FragmentSpreadNode(name=name):
                yield from _paths(operation, operation.fragments[name.value].selection_set, variables, path)
