"""Fetch groups: one per request, as values that passes replace."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.plan import InputSelection, Path, Rewrite
    from router.planner.fetch.interface_object_sharing import InterfaceObjectSelection
    from router.planner.fetch.trees import Tree
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.guards import Guards
    from router.planner.walk.nodes import ContextValue


@dataclass(frozen=True, slots=True)
class RepresentationInput:
    """What representations of one type carry, for some of the fields of a fetch.

    Attributes:
        type_name: the type condition under which the object in the response is represented this way.
        selections: read from the response, without `__typename`.
        usages: alternatives of guards under which the fields that need them are wanted, none covering another.
        keys: the response key each representation key is read from, by its path in the representation.
        fetched: alternatives of guards under which each representation key is fetched, by the same path: at least the
            usages, weaker ones where the client asks for the value too.
        rewrites: applied to the representation.
    """

    type_name: str
    selections: tuple[InputSelection, ...]
    usages: tuple[Guards, ...]
    keys: tuple[tuple[tuple[str, ...], str], ...]
    fetched: tuple[tuple[tuple[str, ...], tuple[Guards, ...]], ...]
    rewrites: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchGroup:
    """One request. Groups with inputs are entity fetches; `after` are the numbers of the groups it waits for.

    `track` tells which groups fetch for the same objects; `contexts` are the values read from their ancestors.
    `block` is the deferred block it is for, None if it is for what comes first. `asked` is what objects ask that are
    entered as an interface object.
    """

    number: int
    subgraph: str
    path: Path
    track: tuple[str, ...]
    tree: Tree
    after: frozenset[int]
    inputs: tuple[RepresentationInput, ...] = ()
    contexts: tuple[ContextValue, ...] = field(default=())
    block: Block | None = None
    asked: tuple[InterfaceObjectSelection, ...] = ()


def sources_of(inputs: Iterable[RepresentationInput]) -> dict[tuple[str, ...], str] | None:
    """Under which key each field of their types is read; None if some want different values of one field."""
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
    """All groups each group waits for, directly or not. Groups must come after those they wait for."""
    closed: dict[int, frozenset[int]] = {}
    for group in groups:
        closed[group.number] = group.after.union(*(closed[number] for number in group.after))
    return closed


def stages(groups: Iterable[FetchGroup]) -> dict[int, int]:
    """How many of the groups, one after the other, each group waits for. Groups must come after those they wait for."""
    found: dict[int, int] = {}
    for group in groups:
        found[group.number] = 1 + max((found[number] for number in group.after if number in found), default=-1)
    return found


def in_waiting_order(groups: Sequence[FetchGroup]) -> tuple[FetchGroup, ...]:
    """The groups, each after those it waits for, otherwise in the order given.

    Raises:
        CycleError: some wait for each other.
    """
    by_number = {group.number: group for group in groups}
    order = TopologicalSorter({group.number: sorted(group.after) for group in groups}).static_order()
    return tuple(by_number[number] for number in order)
