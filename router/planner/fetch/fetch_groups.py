"""Fetch groups: one for each fetch of a plan (planning §6.2). A group is frozen; a pass replaces it by a new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.plan import InputSelection, Path, Rewrite
    from router.planner.fetch.interface_object_sharing import InterfaceObjectSelection
    from router.planner.fetch.selection_trees import Tree
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.skip_and_include import Guards
    from router.planner.walk.nodes_and_options import ContextArgumentValue


@dataclass(frozen=True, slots=True)
class RepresentationInput:
    """The fields that the representations of one type have, for some of the fields that a fetch selects.

    Attributes:
        type_name: the type of the objects in the response.
        selections: what is read from the response, without `__typename`.
        usages: alternative guards under which the representation is needed; no alternative implies another.
        keys: the path of each field in the representation, with the response key from which the field is read.
        fetched: the path of each field in the representation, with alternative guards under which the field is fetched:
            the usages, or weaker guards if the client selects the field too.
        rewrites: the rewrites of the representation.
    """

    type_name: str
    selections: tuple[InputSelection, ...]
    usages: tuple[Guards, ...]
    keys: tuple[tuple[tuple[str, ...], str], ...]
    fetched: tuple[tuple[tuple[str, ...], tuple[Guards, ...]], ...]
    rewrites: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchGroup:
    """One fetch of a plan.

    Attributes:
        number: the number of the group; `after` of other groups refers to it.
        path: the path of the objects whose fields are fetched.
        track: equal for groups that fetch fields of the same objects.
        tree: what the fetch selects.
        after: the numbers of the groups that this group waits for.
        inputs: what the representations are built from; empty for a root fetch.
        contexts: the arguments whose values are read from ancestors of the objects.
        block: the deferred block whose fields are fetched, None for the initial response.
        interface_objects: what the fetch selects through interface objects.
    """

    number: int
    subgraph: str
    path: Path
    track: tuple[str, ...]
    tree: Tree
    after: frozenset[int]
    inputs: tuple[RepresentationInput, ...] = ()
    contexts: tuple[ContextArgumentValue, ...] = field(default=())
    block: Block | None = None
    interface_objects: tuple[InterfaceObjectSelection, ...] = ()


def sources_of(inputs: Iterable[RepresentationInput]) -> dict[tuple[str, ...], str] | None:
    """Return the response key of each representation field. None if two inputs read one field from different keys."""
    sources: dict[tuple[str, ...], str] = {}
    for entry in inputs:
        for path, key in entry.keys:
            if sources.setdefault((entry.type_name, *path), key) != key:
                return None
    return sources


def can_share(inputs: Iterable[RepresentationInput]) -> bool:
    """Return whether one representation can have the fields of all these inputs."""
    return sources_of(inputs) is not None


def ancestors(groups: Iterable[FetchGroup]) -> dict[int, frozenset[int]]:
    """Return all groups that each group waits for, directly or not. `groups` must be in waiting order."""
    closed: dict[int, frozenset[int]] = {}
    for group in groups:
        closed[group.number] = group.after.union(*(closed[number] for number in group.after))
    return closed


def stages(groups: Iterable[FetchGroup]) -> dict[int, int]:
    """Return how many groups, one after the other, each group waits for. `groups` must be in waiting order."""
    found: dict[int, int] = {}
    for group in groups:
        found[group.number] = 1 + max((found[number] for number in group.after if number in found), default=-1)
    return found


def in_waiting_order(groups: Sequence[FetchGroup]) -> tuple[FetchGroup, ...]:
    """Sort the groups so that each is after the groups that it waits for.

    Raises:
        CycleError: Groups wait for each other.
    """
    by_number = {group.number: group for group in groups}
    order = TopologicalSorter({group.number: sorted(group.after) for group in groups}).static_order()
    return tuple(by_number[number] for number in order)
