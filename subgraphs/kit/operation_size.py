"""Measures an operation before it is validated: depth, aliases and selections, with its fragments expanded.

A fragment that is spread twice counts twice, because its fields are resolved twice. Each fragment is measured once, so
the time is linear in the length of the document, although `fragment A { ...B ...B }` doubles the size at each level:

```
{ ...A }   fragment A { ...B ...B }   fragment B { id id }      measured: 1 + 2 + 2; counted: 1 + 2 + 2 * 2
```

The executor and graphql-core's validation visit the expanded selections, so their time grows with the counted number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
)

if TYPE_CHECKING:
    from graphql import DocumentNode, SelectionNode

ENTITIES: Final = "_entities"
INTROSPECTION: Final = frozenset({"__schema", "__type"})

Fragments = dict[str, FragmentDefinitionNode]


class OperationSize(NamedTuple):
    """The size of an operation or of some selections.

    Attributes:
        depth: how deeply fields are nested. Fields below `__schema` and `__type` are not counted, because tools nest
            `ofType` far deeper than data. A validation rule limits the lists in introspection.
        aliases: fields with an alias. A router may put several fetches into one request, with one alias of `_entities`
            for each. These aliases do not count, because their representations are counted.
        selections: fields, fragment spreads and inline fragments.
    """

    depth: int = 0
    aliases: int = 0
    selections: int = 0


def measure(document: DocumentNode, chosen: OperationDefinitionNode) -> OperationSize:
    """Measure the depth and aliases of the operation `chosen`, and the selections of all operations.

    The selections of all operations count, because all operations are validated. If a fragment spreads itself, this
    spread counts as empty; the validation later refuses the document.

    Raises:
        RecursionError: a chain of fragments, each of which spreads the next one, is too long for Python's stack.
    """
    fragments, measured = fragments_of(document), dict[str, OperationSize]()
    sizes = {
        id(node): _sum(node.selection_set.selections, fragments, measured)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }
    return sizes[id(chosen)]._replace(selections=sum(size.selections for size in sizes.values()))


def fragments_of(document: DocumentNode) -> Fragments:
    """Return the fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _sum(
    selections: tuple[SelectionNode, ...],
    fragments: Fragments,
    measured: dict[str, OperationSize],
) -> OperationSize:
    depth = aliases = count = 0
    for selection in selections:
        size = _one(selection, fragments, measured)
        depth = max(depth, size.depth)
        aliases += size.aliases
        count += size.selections
    return OperationSize(depth, aliases, count)


def _one(selection: SelectionNode, fragments: Fragments, measured: dict[str, OperationSize]) -> OperationSize:
    if isinstance(selection, FragmentSpreadNode):
        inner = _fragment(selection.name.value, fragments, measured)
        return inner._replace(selections=inner.selections + 1)
    if isinstance(selection, InlineFragmentNode):
        inner = _sum(selection.selection_set.selections, fragments, measured)
        return inner._replace(selections=inner.selections + 1)
    if not isinstance(selection, FieldNode):
        raise TypeError(f"not a selection: {selection.kind}")
    below = selection.selection_set
    inner = _sum(below.selections, fragments, measured) if below else OperationSize()
    name = selection.name.value
    counts = selection.alias is not None and name != ENTITIES
    depth = 0 if name in INTROSPECTION else inner.depth
    return OperationSize(depth + 1, inner.aliases + counts, inner.selections + 1)


def _fragment(name: str, fragments: Fragments, measured: dict[str, OperationSize]) -> OperationSize:
    if name not in measured:
        measured[name] = OperationSize()  # if the fragment spreads itself, that spread counts as empty
        if name in fragments:
            measured[name] = _sum(fragments[name].selection_set.selections, fragments, measured)
    return measured[name]
