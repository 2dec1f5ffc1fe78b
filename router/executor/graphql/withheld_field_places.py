"""Finds where in the response the client is told that it may not read a field (execution §16.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import get_named_type, get_nullable_type, is_list_type

from router.request.withheld_fields import is_refused, is_withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import FieldNode, GraphQLOutputType

    from router.errors import ResponsePath
    from router.executor.graphql.collect_fields import FieldCollector


class Withheld(NamedTuple):
    """A field that the client does not get: its type, all its nodes, and its path in the response."""

    type: GraphQLOutputType
    nodes: tuple[FieldNode, ...]
    path: ResponsePath


def refused_places(
    withheld: Withheld, collector: FieldCollector, field_type: Callable[[str, str], GraphQLOutputType]
) -> Iterator[ResponsePath]:
    """Yield the path of the field if it is refused, and the paths of its refused subfields if it is emptied.

    The paths of subfields lead beyond a null. A list has no items that a path could name, so its own path stands for
    all that is refused in it.
    """
    if is_refused(withheld.nodes) or is_list_type(get_nullable_type(withheld.type)):
        yield withheld.path
        return
    parent = get_named_type(withheld.type).name
    for key, nodes in collector.all_subfields(withheld.nodes).items():
        if is_withheld(nodes):
            inner = Withheld(field_type(parent, nodes[0].name.value), nodes, (*withheld.path, key))
            yield from refused_places(inner, collector, field_type)
