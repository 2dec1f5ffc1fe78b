"""Finds the paths of the errors for fields that the client may not read (execution §16.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import get_named_type, get_nullable_type, is_list_type

from router.request.withheld_fields import is_refused, is_withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import FieldNode, GraphQLOutputType

    from router.errors import ResponsePath
    from router.executor.graphql.collect_fields import FieldCollector


class Withheld(msgspec.Struct, frozen=True):
    """A field that the client does not get: its type, its syntax nodes, and its path in the response."""

    type: GraphQLOutputType
    nodes: tuple[FieldNode, ...]
    path: ResponsePath


def refused_places(
    withheld: Withheld, collector: FieldCollector, field_type: Callable[[str, str], GraphQLOutputType]
) -> Iterator[ResponsePath]:
    """Yield the paths of the errors for a field that the client does not get.

    If the client may not read the field itself, the only path is that of the field.

    If the client may read the field, but none of its subfields, the field is *emptied* (see `withheld_fields`): the
    field is null, and each subfield has an error. For an emptied list, the only path is that of the field, because the
    path of a subfield would need the index of an item.
    """
    if is_refused(withheld.nodes) or is_list_type(get_nullable_type(withheld.type)):
        yield withheld.path
        return
    parent = get_named_type(withheld.type).name
    for key, nodes in collector.all_subfields(withheld.nodes).items():
        if is_withheld(nodes):
            inner = Withheld(field_type(parent, nodes[0].name.value), nodes, (*withheld.path, key))
            yield from refused_places(inner, collector, field_type)
