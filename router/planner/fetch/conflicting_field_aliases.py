"""Gives internal aliases to fields that have the same response key but different types in the subgraph.

    ... on User { id }   # ID!
    ... on Admin { id }  # ID

A subgraph refuses these fields (GraphQL specification, "SameResponseShape"), even if `id` has the same type everywhere
in the API schema. One of the fields is fetched under an internal alias. The router then renames this alias to `id` in
the response of the subgraph (planning §3.16).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from graphql import ListTypeNode, NonNullTypeNode
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import named_type
from router.plan import Key, KeyRenamer, Path, TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import TypeNode

    from router.planner.fetch.selection_trees import Tree, TreeField
    from router.supergraph.model import SubgraphModel

Level: TypeAlias = "Sequence[tuple[str, Tree]]"


def without_conflicts(subgraph: SubgraphModel, type_name: str, tree: Tree) -> tuple[Tree, tuple[KeyRenamer, ...]]:
    """Return the tree with aliases for conflicting fields, and the renames back to the original response keys."""
    if _is_plain(tree):
        return tree, ()
    aliasing = _Aliasing(subgraph)
    aliasing.assign([(type_name, tree)])
    if not aliasing.aliases:
        return tree, ()
    return aliasing.applied(tree), tuple(aliasing.renamers(tree, ()))


def _is_plain(tree: Tree) -> bool:
    """Return True if the tree certainly needs no aliases.

    This is so if no object, at any depth, can have two selections with the same response key.
    """
    if tree.fragments and (tree.fields or len(tree.fragments) > 1):
        return False
    if any(not _is_plain(below) for _, below in tree.fragments):
        return False
    if len({entry.key for entry in tree.fields}) < len(tree.fields):
        return False
    return all(entry.tree is None or _is_plain(entry.tree) for entry in tree.fields)


class _Aliasing:
    """Finds the internal aliases for the conflicting fields of one tree, and applies the aliases to the tree."""

    def __init__(self, subgraph: SubgraphModel) -> None:
        self._subgraph = subgraph
        # Maps the `id()` of a `TreeField` to its alias. The id identifies the field, because a tree has each object
        # only once.
        self.aliases: dict[int, str] = {}

    def assign(self, level: Level) -> None:
        """Find aliases for the conflicting fields of one object and of the objects below it.

        `level` has the trees that are selected on the object, each with its type. Two fields with the same response key
        conflict if their types differ. They also conflict if they belong to the same parent type and have different
        names or arguments. The later field gets an alias.
        """
        shapes: dict[str, str] = {}
        owners: dict[tuple[str, str], str] = {}
        below: dict[str, list[tuple[str, Tree]]] = {}
        for parent, entry in _fields(level):
            shape = self._shape(parent, entry)
            key, number = entry.key, 0
            while shapes.get(key, shape) != shape or owners.get((parent, key), entry.signature) != entry.signature:
                key = f"{entry.key}__alias_{number}"
                number += 1
            shapes[key] = shape
            owners[parent, key] = entry.signature
            if key != entry.key:
                self.aliases[id(entry)] = key
            if entry.tree is not None:
                target = named_type(self._type(parent, entry.name))
                below.setdefault(key, []).append((target, entry.tree))
        for deeper in below.values():
            self.assign(deeper)

    def _type(self, parent: str, name: str) -> TypeNode:
        return self._subgraph.types[parent].fields[name].type

    def _shape(self, parent: str, entry: TreeField) -> str:
        if entry.name.startswith("__"):
            return entry.name
        node, wrappers = self._type(parent, entry.name), ""
        while isinstance(node, NonNullTypeNode | ListTypeNode):
            wrappers += "!" if isinstance(node, NonNullTypeNode) else "[]"
            node = node.type
        return wrappers if entry.tree is not None else f"{wrappers}{named_type(node)}"

    def applied(self, tree: Tree) -> Tree:
        """Return a copy of the tree. A field that has an alias gets the alias as its response key."""
        fields = tuple(
            replace(
                entry,
                key=self.aliases.get(id(entry), entry.key),
                tree=None if entry.tree is None else self.applied(entry.tree),
            )
            for entry in tree.fields
        )
        fragments = tuple((name, self._typed(below)) for name, below in tree.fragments)
        return replace(tree, fields=fields, fragments=fragments)

    def _typed(self, tree: Tree) -> Tree:
        """Return a copy of the tree of a fragment, with the aliases as response keys.

        After the fetch, an alias is renamed back only in objects of the fragment's type. So if a field has an alias,
        the copy also selects `__typename`.
        """
        applied = self.applied(tree)
        is_renaming = next(self.renamers(tree, ()), None) is not None
        return replace(applied, is_abstract=True) if is_renaming else applied

    def renamers(self, tree: Tree, path: Path) -> Iterator[KeyRenamer]:
        """Yield the renames from the aliases to the response keys, in the order in which they must be applied.

        Inner keys are renamed before outer keys, because the path of an inner key contains the outer aliases.
        """
        for entry in tree.fields:
            key = self.aliases.get(id(entry), entry.key)
            here: Path = (*path, Key(key))
            if entry.tree is not None:
                yield from self.renamers(entry.tree, here)
            if key != entry.key:
                yield KeyRenamer(here, entry.key)
        for name, below in tree.fragments:
            yield from self.renamers(below, (*path, TypeIs((name,))))


def _fields(level: Level) -> Iterator[tuple[str, TreeField]]:
    for parent, tree in level:
        for entry in tree.fields:
            yield parent, entry
        yield from _fields(tree.fragments)
