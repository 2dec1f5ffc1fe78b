"""Build and merge selection trees: what one fetch selects, with the guards of every field.

A `Tree` is never changed. A `TreeBuilder` collects fields and builds a tree from the fields. `merge_trees` builds a new
tree from two trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import TYPENAME
from router.planner.normalise.directives_sent_to_subgraphs import NO_DIRECTIVES, ClientDirectives
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards, weaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from graphql import ArgumentNode

    from router.planner.normalise.merge_selections import MergedField


class TreeField(msgspec.Struct, frozen=True):
    """A field that a fetch selects.

    `guards` includes the guards of all parents. `tree` has the subselections and is None for a leaf field.
    """

    key: str
    name: str
    signature: str
    arguments: tuple[ArgumentNode, ...]
    guards: Guards
    tree: Tree | None = None
    directives: ClientDirectives = NO_DIRECTIVES

    def with_tree(self, tree: Tree) -> TreeField:
        """Return a copy of the field, with `tree` as its selections."""
        return TreeField(self.key, self.name, self.signature, self.arguments, self.guards, tree, self.directives)


class Tree(msgspec.Struct, frozen=True):
    """The fields and fragments that are selected on one object. With `is_abstract`, `__typename` is also selected."""

    fields: tuple[TreeField, ...] = ()
    fragments: tuple[tuple[str, Tree], ...] = ()
    is_abstract: bool = False

    def guards(self) -> Iterator[Guards]:
        """Yield the guards of all fields, at any depth."""
        for entry in self.fields:
            yield entry.guards
            if entry.tree is not None:
                yield from entry.tree.guards()
        for _, tree in self.fragments:
            yield from tree.guards()

    def leaf_guards(self) -> Iterator[Guards]:
        """Yield the guards of all leaf fields, at any depth."""
        for entry in self.fields:
            if entry.tree is None:
                yield entry.guards
            else:
                yield from entry.tree.leaf_guards()
        for _, tree in self.fragments:
            yield from tree.leaf_guards()


def common_guards(tree: Tree) -> Guards:
    """Return the guards that all leaf fields of the tree have in common."""
    common: Guards | None = None
    for guards in tree.leaf_guards():
        common = guards if common is None else common & guards
        if not common:
            return ALWAYS
    return common or ALWAYS


FieldKey: TypeAlias = tuple[str, str, str, Guards]


class TreeBuilder(msgspec.Struct):
    """Collects the fields of a tree."""

    is_abstract: bool = False
    fields: dict[FieldKey, TreeField] = msgspec.field(default_factory=dict)
    below: dict[FieldKey, TreeBuilder] = msgspec.field(default_factory=dict)
    fragments: dict[str, TreeBuilder] = msgspec.field(default_factory=dict)

    def fragment(self, type_name: str) -> TreeBuilder:
        """Return the builder for the selections of the fragment `... on type_name`."""
        if type_name not in self.fragments:
            self.fragments[type_name] = TreeBuilder()
        return self.fragments[type_name]

    def composite(self, selection: MergedField, guards: Guards, *, is_abstract: bool) -> TreeBuilder:
        """Add a field with subselections. Return the builder for these subselections."""
        key = self._add(selection, guards)
        if key not in self.below:
            self.below[key] = TreeBuilder(is_abstract)
        return self.below[key]

    def leaf(self, selection: MergedField, guards: Guards) -> None:
        """Add a leaf field."""
        self._add(selection, guards)

    def typename(self, guards: Guards) -> None:
        """Add `__typename`."""
        key = (TYPENAME, TYPENAME, "", guards)
        if key not in self.fields:
            self.fields[key] = TreeField(TYPENAME, TYPENAME, TYPENAME, (), guards)

    def _add(self, selection: MergedField, guards: Guards) -> FieldKey:
        key = (selection.key, selection.signature, selection.directives.text, guards)
        if key not in self.fields:
            self.fields[key] = TreeField(
                selection.key,
                selection.name,
                selection.signature,
                selection.arguments,
                guards,
                directives=selection.directives,
            )
        return key

    def freeze(self) -> Tree:
        """Return a tree of the fields that are collected so far, without redundant fields."""
        fields = [
            entry if key not in self.below else entry.with_tree(self.below[key].freeze())
            for key, entry in self.fields.items()
        ]
        if any(entry.guards for entry in fields):
            fields = list(_needed(fields))
        fragments = tuple((name, below.freeze()) for name, below in self.fragments.items())
        return Tree(tuple(fields), fragments, self.is_abstract)


def _needed(fields: Sequence[TreeField]) -> Iterator[TreeField]:
    """Yield the fields without redundant fields.

    For example, `id @include(if: $x)` is redundant beside `id`. A field is redundant if another field covers it (see
    `_covers`). The other field must have weaker guards, and the same response key, signature and directives.
    """
    alike = {key: {entry.guards: entry for entry in entries} for key, entries in _by_key(fields).items()}
    for entry in fields:
        others = alike[entry.key, entry.signature, entry.directives.text]
        if not any(_covers(others[guards], entry) for guards in weaker(entry.guards, others)):
            yield entry


def _by_key(fields: Iterable[TreeField]) -> dict[tuple[str, str, str], list[TreeField]]:
    entries: dict[tuple[str, str, str], list[TreeField]] = {}
    for entry in fields:
        entries.setdefault((entry.key, entry.signature, entry.directives.text), []).append(entry)
    return entries


def _covers(first: TreeField, second: TreeField) -> bool:
    """Return whether `first` makes `second` unnecessary.

    This is so if `first` is included whenever `second` is included, and selects everything that `second` selects.
    """
    if not first.guards <= second.guards:
        return False
    return first.tree is None or second.tree is None or _tree_covers(first.tree, second.tree)


def _tree_covers(first: Tree, second: Tree) -> bool:
    if second.is_abstract and not first.is_abstract:
        return False
    entries, fragments = _by_key(first.fields), dict(first.fragments)
    return all(
        any(_covers(entry, wanted) for entry in entries.get((wanted.key, wanted.signature, wanted.directives.text), ()))
        for wanted in second.fields
    ) and all(name in fragments and _tree_covers(fragments[name], tree) for name, tree in second.fragments)


def merge_trees(first: Tree, second: Tree) -> Tree:
    """Return a tree with the selections of both trees. Return `first` itself if `second` adds nothing to `first`."""
    fields = {(entry.key, entry.signature, entry.directives.text, entry.guards): entry for entry in first.fields}
    for entry in second.fields:
        key = (entry.key, entry.signature, entry.directives.text, entry.guards)
        known = fields.get(key)
        if known is None:
            fields[key] = entry
        elif known.tree is not None and entry.tree is not None:
            fields[key] = replace(known, tree=merge_trees(known.tree, entry.tree))
    fragments = dict(first.fragments)
    for name, tree in second.fragments:
        fragments[name] = merge_trees(fragments[name], tree) if name in fragments else tree
    merged = Tree(
        tuple(_needed(list(fields.values()))), tuple(fragments.items()), first.is_abstract or second.is_abstract
    )
    return first if merged == first else merged
