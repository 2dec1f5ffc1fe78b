"""The fetch groups of a plan, and their order (planning §6.2).

Each fetch group becomes one fetch of the plan. A group is never changed: an optimisation pass replaces a group by a new
one. Groups are in *waiting order* if each group comes after all groups that it waits for. A *guard* is a variable of
`@skip` or `@include` with its required value.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.plan import InputSelection, Path, Rewrite
    from router.planner.fetch.entity_fetch_sharing import EntitySelection
    from router.planner.fetch.selection_trees import Tree
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.nodes_and_options import ContextArgumentValue


class RepresentationInput(msgspec.Struct, frozen=True):
    """What a subgraph needs in the representations of one type, to resolve certain fields of a fetch.

    A fetch can have several such inputs. For example, one input has only the key, and another has the key and the
    fields of a `@requires`.

    Attributes:
        type_name: the type of the objects in the response.
        selections: what is read from the response for a representation, without `__typename`.
        usages: when the input is needed, as sets of guards: all guards of at least one set are true. No set contains
            another set.
        keys: pairs of a field's path in the representation, and the response key from which the field is read.
        fetched: pairs of a field's path in the representation, and sets of guards that say, as in `usages`, when the
            field is fetched. A field that the client selects, too, can be fetched although the input is not needed.
        rewrites: the changes to apply to the representation before it is sent.
    """

    type_name: str
    selections: tuple[InputSelection, ...]
    usages: tuple[Guards, ...]
    keys: tuple[tuple[tuple[str, ...], str], ...]
    fetched: tuple[tuple[tuple[str, ...], tuple[Guards, ...]], ...]
    rewrites: tuple[Rewrite, ...] = ()


class FetchGroup(msgspec.Struct, frozen=True):
    """One fetch of a plan.

    Attributes:
        number: the number of the group. Other groups refer to this number in `after`.
        path: the path of the objects whose fields are fetched.
        track: identifies these objects. Groups that fetch fields of the same objects have equal tracks.
        tree: what the fetch selects.
        after: the numbers of the groups that this group waits for.
        after_without_types: what `after` would be without the groups that return the types for the type conditions in
            `path`. None if it would be the same.
        inputs: what the representations are built from. Empty for a root fetch.
        contexts: the arguments whose values are read from ancestors of the objects (`@fromContext`).
        block: the deferred block whose fields are fetched, None for the initial response.
        selections: what the fetch selects on its entities. Empty if no other selections could do harm to them.
    """

    number: int
    subgraph: str
    path: Path
    track: tuple[str, ...]
    tree: Tree
    after: frozenset[int]
    inputs: tuple[RepresentationInput, ...] = ()
    contexts: tuple[ContextArgumentValue, ...] = msgspec.field(default=())
    block: Block | None = None
    selections: tuple[EntitySelection, ...] = ()
    after_without_types: frozenset[int] | None = None

    @property
    def needed(self) -> frozenset[int]:
        """What `after` would be without type conditions in `path`."""
        return self.after if self.after_without_types is None else self.after_without_types

    def waiting_for(self, number: int, other: int) -> FetchGroup:
        """Return the group, which waits for group `number` instead of group `other`."""
        without_types = self.after_without_types
        return replace(
            self,
            after=_replaced(self.after, number, other),
            after_without_types=None if without_types is None else _replaced(without_types, number, other),
        )


def _replaced(after: frozenset[int], number: int, other: int) -> frozenset[int]:
    return after - {other} | {number} if other in after else after


def sources_of(inputs: Iterable[RepresentationInput]) -> dict[tuple[str, ...], str] | None:
    """Return a mapping from each field of the representations to the response key from which the field is read.

    Return None if two inputs read the same field from different response keys.
    """
    sources: dict[tuple[str, ...], str] = {}
    for entry in inputs:
        for path, key in entry.keys:
            if sources.setdefault((entry.type_name, *path), key) != key:
                return None
    return sources


def can_share(inputs: Iterable[RepresentationInput]) -> bool:
    """Return whether one representation can have the fields of all these inputs.

    Return False if two inputs read the same field from different response keys.
    """
    return sources_of(inputs) is not None


def ancestors(groups: Iterable[FetchGroup]) -> dict[int, frozenset[int]]:
    """Return the numbers of all groups that each group waits for, directly or indirectly.

    `groups` must be in waiting order.
    """
    closed: dict[int, frozenset[int]] = {}
    for group in groups:
        closed[group.number] = group.after.union(*(closed[number] for number in group.after))
    return closed


def stages(groups: Iterable[FetchGroup]) -> dict[int, int]:
    """Return the stage of each group: how many groups must run, one after the other, before the group can start.

    `groups` must be in waiting order.
    """
    found: dict[int, int] = {}
    for group in groups:
        found[group.number] = 1 + max((found[number] for number in group.after if number in found), default=-1)
    return found


def in_waiting_order(groups: Sequence[FetchGroup]) -> tuple[FetchGroup, ...]:
    """Sort the groups so that each group comes after all groups that it waits for.

    Raises:
        CycleError: Groups wait for each other.
    """
    by_number = {group.number: group for group in groups}
    order = TopologicalSorter({group.number: sorted(group.after) for group in groups}).static_order()
    return tuple(by_number[number] for number in order)
