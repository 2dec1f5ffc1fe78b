"""Fetch groups, one for each fetch of a plan: values that passes replace (planning §6.2)."""

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
    """The fields in representations of one type, for some of the fields of a fetch.

    Attributes:
        type_name: the type of the objects in the response.
        selections: what is read from the response, without `__typename`.
        usages: alternative guards under which the representation is needed; none of them implies another.
        keys: the response key of each field of the representation, by its path there.
        fetched: alternative guards under which each of these fields is fetched, by the same path: at least the usages,
            weaker ones where the client selects the field too.
        rewrites: what is applied to the representation.
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
        number: its number, which `after` of other groups refers to.
        path: the path of the objects that it fetches fields for.
        track: equal for groups that fetch for the same objects.
        tree: what it selects.
        after: the numbers of the groups that it waits for.
        inputs: what its representations are built from; a root fetch has none.
        contexts: the arguments whose values are read from ancestors of the objects.
        block: the deferred block that it fetches for, None for the initial response.
        interface_objects: what it selects by way of interface objects.
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
    """The response key of each field in these representations; None if two of them read one field from two keys."""
    sources: dict[tuple[str, ...], str] = {}
    for entry in inputs:
        for path, key in entry.keys:
            if sources.setdefault((entry.type_name, *path), key) != key:
                return None
    return sources


def can_share(inputs: Iterable[RepresentationInput]) -> bool:
    """Whether one representation can carry all these inputs."""
    return sources_of(inputs) is not None


def ancestors(groups: Iterable[FetchGroup]) -> dict[int, frozenset[int]]:
    """All groups that each group waits for, directly or not. `groups` must be in waiting order."""
    closed: dict[int, frozenset[int]] = {}
    for group in groups:
        closed[group.number] = group.after.union(*(closed[number] for number in group.after))
    return closed


def stages(groups: Iterable[FetchGroup]) -> dict[int, int]:
    """How many groups in a row each group waits for. `groups` must be in waiting order."""
    found: dict[int, int] = {}
    for group in groups:
        found[group.number] = 1 + max((found[number] for number in group.after if number in found), default=-1)
    return found


def in_waiting_order(groups: Sequence[FetchGroup]) -> tuple[FetchGroup, ...]:
    """The groups, each after those that it waits for, otherwise in the given order.

    Raises:
        CycleError: Groups wait for each other.
    """
    by_number = {group.number: group for group in groups}
    order = TopologicalSorter({group.number: sorted(group.after) for group in groups}).static_order()
    return tuple(by_number[number] for number in order)
