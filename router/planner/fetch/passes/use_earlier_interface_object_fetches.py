"""Uses what an earlier fetch of an `@interfaceObject` type has already returned (planning §7.1).

The subgraph of an interface object resolves a field in the same way for every object type of the interface. So if a
fetch returns the field for all objects of the interface, no fetch for the objects of one type needs to return it again.

In this example, `reviews` has `Media` as an interface object, and `library` knows the types of the objects:

    { media { best { id } ... on Film { best { text } } } }

    reviews {media {id best {id}}}                            reviews {media {id best {id}}}
    library {media {... on Film {id}}} after {reviews}   =>   library {media {... on Film {id}}} after {reviews}
    reviews {media {best {id}}} after {library}               critics {media.best {text}} after {reviews}
    critics {media.best {text}} after {the fetch above}

1. A fetch that waits for the later fetch waits for the earlier fetch, if the earlier fetch returns all its inputs.
2. If no fetch waits for the later fetch, and the earlier fetch returns everything that the later one selects, the later
   fetch is dropped.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import InputField, TypeIs
from router.planner.fetch.fetch_groups import ancestors, in_waiting_order, stages
from router.planner.fetch.selection_trees import Tree, merge_trees, tree_covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.plan import InputSelection
    from router.planner.fetch.fetch_groups import FetchedObjects, FetchGroup
    from router.planner.fetch.selection_trees import TreeField

Groups: TypeAlias = "tuple[FetchGroup, ...]"


def use_earlier_interface_object_fetches(groups: Groups) -> Groups:
    """Return the groups in waiting order, with fewer dependencies or groups. Return the same tuple if nothing changes.

    The result has at most one change. The caller repeats the pass until nothing changes.
    """
    for later in groups:
        if not later.interface_objects:
            continue
        for earlier in _earlier_groups(groups, later):
            changed = _Reuse(groups, earlier, later).applied()
            if changed is not None:
                return in_waiting_order(changed)
    return groups


def _earlier_groups(groups: Groups, later: FetchGroup) -> list[FetchGroup]:
    """Return the groups whose selections may make selections of `later` unnecessary."""
    found = [
        group
        for group in groups
        if group is not later
        and group.subgraph == later.subgraph
        and group.block is later.block
        and group.track == later.track[: len(group.track)]
    ]
    if not found:
        return found
    stage, above = stages(groups), ancestors(groups)
    return [
        group
        for group in found
        if later.number not in above[group.number] and stage[group.number] <= stage[later.number]
    ]


class _Reuse:
    """Compares two groups of one subgraph, and lets other groups wait for the earlier group."""

    def __init__(self, groups: Groups, earlier: FetchGroup, later: FetchGroup) -> None:
        self._groups = groups
        self._earlier = earlier
        self._later = later
        self._above = ancestors(groups)[earlier.number]

    def applied(self) -> Groups | None:
        """Return the changed groups, or None if the earlier group makes nothing unnecessary."""
        repeated = self._repeated()
        if repeated is None:
            return None
        waiting = [group for group in self._groups if self._later.number in group.after]
        moved = {group.number: self._moved(group) for group in waiting if self._can_move(group, repeated)}
        groups = tuple(moved.get(group.number, group) for group in self._groups)
        if len(moved) == len(waiting) and all(tree_covers(first, second) for first, second in repeated):
            return tuple(group for group in groups if group.number != self._later.number)
        return groups if moved else None

    def _repeated(self) -> list[tuple[Tree, Tree]] | None:
        """Return pairs of selections on the same objects: the selections of the earlier and of the later group.

        Return None if the earlier group does not fetch all objects of the later group.
        """
        pairs: list[tuple[Tree, Tree]] = []
        for type_name, tree in self._later.tree.fragments:
            for objects in self._later.objects:
                if objects.type_name == type_name:
                    found = self._earlier_selections(objects)
                    if found is None:
                        return None
                    pairs.append((found, tree))
        return pairs

    def _earlier_selections(self, objects: FetchedObjects) -> Tree | None:
        """Return what the earlier group selects on some objects of the later group."""
        keys = self._later.keys[len(self._earlier.keys) :]
        for outer in self._earlier.objects:
            if not outer.include(objects) or (not keys and outer.type_name != objects.type_name):
                continue
            tree = dict(self._earlier.tree.fragments)[outer.type_name] if self._earlier.inputs else self._earlier.tree
            return _selected_on_all(tree, keys)
        return None

    def _can_move(self, group: FetchGroup, repeated: Iterable[tuple[Tree, Tree]]) -> bool:
        """Return whether the earlier group returns all inputs of `group` that the later group returns."""
        size = len(self._later.track)
        if group.contexts or not group.inputs or group.track[:size] != self._later.track or group.number in self._above:
            return False
        keys = group.keys[size:]
        wanted = [selection for entry in group.inputs for selection in entry.selections]
        return all(
            tree_covers(_selected_on_all(first, keys), _only(_selected_on_any(second, keys), wanted))
            for first, second in repeated
        )

    def _moved(self, group: FetchGroup) -> FetchGroup:
        """Return `group`, which waits for the earlier group instead of the later group.

        If the path of `group` has a type condition, `group` also needs the types of the objects. So it waits for the
        groups that the later group waits for.
        """
        after = group.after - {self._later.number} | {self._earlier.number}
        if any(isinstance(step, TypeIs) for step in group.path):
            after |= self._later.after
        return replace(group, after=after)


def _selected_on_all(tree: Tree, keys: Iterable[str]) -> Tree:
    """Return what `tree` selects on all objects under these response keys."""
    for key in keys:
        tree = _merged(entry.tree for entry in tree.fields if entry.key == key and entry.tree is not None)
    return tree


def _selected_on_any(tree: Tree, keys: Iterable[str]) -> Tree:
    """Return what `tree` selects on at least one type of the objects under these response keys."""
    for key in keys:
        tree = _merged(entry.tree for entry in _all_fields(tree) if entry.key == key and entry.tree is not None)
    return tree


def _all_fields(tree: Tree) -> Iterator[TreeField]:
    yield from tree.fields
    for _, below in tree.fragments:
        yield from _all_fields(below)


def _merged(trees: Iterable[Tree]) -> Tree:
    return reduce(merge_trees, trees, Tree())


def _only(tree: Tree, wanted: Iterable[InputSelection]) -> Tree:
    """Return the part of `tree` that is read for representations: the wanted fields, and `__typename`."""
    names: dict[str, list[InputSelection]] = {TYPENAME: []}
    for selection in wanted:
        if isinstance(selection, InputField):
            names.setdefault(selection.name, []).extend(selection.selections)
        else:
            return tree
    fields = tuple(
        entry if entry.tree is None else entry.with_tree(_only(entry.tree, names[entry.key]))
        for entry in tree.fields
        if entry.key in names
    )
    return Tree(fields, tree.fragments, tree.is_abstract)
