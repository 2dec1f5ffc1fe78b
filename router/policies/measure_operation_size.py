"""Measures operations before validation and planning: their depth, fields, aliases and directives.

A fragment that is spread three times counts three times, because its fields are executed three times. But each fragment
is measured only once, and the result is used for every spread. So the time is linear in the length of the document. If
a fragment spreads itself, the inner spread counts as empty, because validation refuses the document anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, SelectionNode, SelectionSetNode

Fragments = dict[str, FragmentDefinitionNode]

# The list fields of the introspection schema that can be nested without end: `fields { type { fields { type } } }`.
_INTROSPECTION_LISTS = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})
_INTROSPECTION_ROOTS = frozenset({"__schema", "__type"})


class Size(NamedTuple):
    """The size of an operation or of some selections. `limits` has a setting for each attribute except `lists`.

    `lists` is how deeply list fields of the introspection schema are nested: 2 for `fields { type { fields } }`.
    `introspection_depth` is the largest value of `lists` in the selections of `__schema` or `__type`.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    introspection_depth: int = 0
    lists: int = 0


def measure(document: DocumentNode) -> Iterator[Size]:
    """Yield the size of each operation, in document order.

    Raises:
        RecursionError: Too many fragments are nested (each spreads the next) for Python's stack.
    """
    fragments, measured = fragments_of(document), dict[str, Size]()
    for node in operations_of(document):
        size = _sum(node.selection_set.selections, fragments, measured)
        yield size._replace(directives=size.directives + len(node.directives or ()))


def operations_of(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    """Yield the operations of a document, in document order."""
    return (node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def fragments_of(document: DocumentNode) -> Fragments:
    """Return the fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def distinct_fields(operation: OperationDefinitionNode, fragments: Fragments, stop: int) -> int:
    """Return the number of different fields of an operation: `{ a: name b: name }` has one.

    Counting ends when the number exceeds `stop`, because a few fragments can expand to more fields than fit into
    memory.
    """
    counted = 0
    places = [[operation.selection_set]]
    while places and counted <= stop:
        below: dict[str, list[SelectionSetNode]] = {}
        for field in _fields_at(places.pop(), fragments):
            sets = below.setdefault(field.name.value, [])
            if field.selection_set is not None:
                sets.append(field.selection_set)
        counted += len(below)
        places += [sets for sets in below.values() if sets]
    return counted


def _fields_at(pending: list[SelectionSetNode], fragments: Fragments) -> Iterator[FieldNode]:
    spread: set[str] = set()
    while pending:
        for selection in pending.pop().selections:
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode():
                    pending.append(selection.selection_set)
                case FragmentSpreadNode() if (name := selection.name.value) not in spread and name in fragments:
                    spread.add(name)
                    pending.append(fragments[name].selection_set)


def _sum(selections: tuple[SelectionNode, ...], fragments: Fragments, measured: dict[str, Size]) -> Size:
    sizes = [_one(selection, fragments, measured) for selection in selections]
    return Size(
        max((size.depth for size in sizes), default=0),
        sum(size.fields for size in sizes),
        sum(size.aliases for size in sizes),
        sum(size.directives for size in sizes),
        sum(size.root_fields for size in sizes),
        max((size.introspection_depth for size in sizes), default=0),
        max((size.lists for size in sizes), default=0),
    )


def _one(selection: SelectionNode, fragments: Fragments, measured: dict[str, Size]) -> Size:
    own_directives = len(selection.directives or ())
    if isinstance(selection, FragmentSpreadNode):
        inner = _fragment(selection.name.value, fragments, measured)
        return inner._replace(directives=inner.directives + own_directives)
    if isinstance(selection, InlineFragmentNode):
        inner = _sum(selection.selection_set.selections, fragments, measured)
        return inner._replace(directives=inner.directives + own_directives)
    if not isinstance(selection, FieldNode):
        raise TypeError(f"not a selection: {selection.kind}")
    inner = _sum(selection.selection_set.selections, fragments, measured) if selection.selection_set else Size()
    name = selection.name.value
    return Size(
        inner.depth + 1,
        inner.fields + 1,
        inner.aliases + (selection.alias is not None),
        inner.directives + own_directives,
        1,
        inner.lists if name in _INTROSPECTION_ROOTS else inner.introspection_depth,
        inner.lists + (name in _INTROSPECTION_LISTS),
    )


def _fragment(name: str, fragments: Fragments, measured: dict[str, Size]) -> Size:
    if name not in measured:
        measured[name] = Size()  # if the fragment spreads itself, the inner spread counts as empty
        if name in fragments:
            measured[name] = _sum(fragments[name].selection_set.selections, fragments, measured)
    return measured[name]
