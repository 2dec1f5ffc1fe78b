"""Positions, places and leaves: what the walk over an operation builds.

A *position* is an object in the response: a response path and a type. A *place* is one way to stand on it: a subgraph
that has the object, reached by one kind of step:

    ENTER   an operation root of the subgraph
    FIELD   a field of a place on the parent position
    CAST    a type condition on a place of the same object
    DEFER   a deferred fragment on a place of the same object
    HOP     `_entities`, with a key (and what `@requires` asks for) read from other places of the same object
    REENTER the query root of another subgraph, below a field that leads back to the query root

Places are persistent: each names the place(s) it came from, so that choosing a place for a leaf chooses a whole way.
ENTER, HOP and REENTER places are *roots*: each costs a fetch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from router.planner.graph.provided import NOTHING, Scope
from router.planner.normalise.guards import ALWAYS, Guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import ArgumentNode, SelectionSetNode

    from router.plan import KeyRenamer, Path
    from router.planner.graph.query_graph import Entry, FieldEdge
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.selections import Selection

# A fetch as far as it is known before groups exist: response path, subgraph, and what distinguishes two entries there.
RootKey: TypeAlias = tuple[tuple[str, ...], str, str]


class Step(Enum):
    """Each with whether it costs a fetch."""

    ENTER = "enter", True
    FIELD = "field", False
    CAST = "cast", False
    DEFER = "defer", False
    HOP = "hop", True
    REENTER = "re-enter", True

    def __init__(self, _name: str, is_root: bool) -> None:  # noqa: FBT001 - the members above are the only calls
        self.is_root = is_root


@dataclass(eq=False, slots=True)
class Position:
    """An object in the response.

    Attributes:
        path: from the root of the response, with type conditions only where objects under different ones must not share
            a fetch, because the client wants different values of them under one response key.
        keys: the response keys on the path.
        track: the keys, told apart by type where the path has type conditions.
        split_keys: the response keys below which that is so.
        guards: all guards that must hold for the object to be there.
        block: the deferred block the object, or this standing on it, is in.
        is_deferred: whether its fields are to come by fetches of their own, if that can be.
        helper_depth: 0 for what the client selects, n for objects that exist only for keys and requires, n levels deep.
        bases: places reached from the parent's places (or, at the root, by entering).
        hops: places behind a key, None until they are looked for; while `closing`, those found so far.
        branches: the same object under a type condition, by concrete type.
        demands, requirements: answers already found for keys (by identity of their selection) and for fields that
            require something (by subgraph and field); `in_progress` are requirements being looked for.
        helpers: the objects below it that are looked at for keys and requirements, by response key and the places they
            are reached from: many keys lead through the same object.
    """

    type_name: str
    path: Path = ()
    keys: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    split_keys: frozenset[str] = frozenset()
    parent: Position | None = None
    selection: Selection | None = None
    guards: Guards = ALWAYS
    block: Block | None = None
    is_deferred: bool = False
    helper_depth: int = 0
    bases: list[Place] = field(default_factory=list)
    hops: list[Place] | None = None
    branches: dict[str, Position] = field(default_factory=dict)
    closing: bool = False
    demands: dict[int, tuple[Leaf, ...] | None] = field(default_factory=dict)
    helpers: dict[tuple[object, ...], Position] = field(default_factory=dict)
    requirements: dict[tuple[str, str], Place | None] = field(default_factory=dict)
    in_progress: set[tuple[str, str]] = field(default_factory=set)

    @property
    def type_condition(self) -> str | None:
        """The type its objects have, where it is the parent's object under a type condition."""
        if self.selection is not None or self.parent is None or self.parent.type_name == self.type_name:
            return None
        return self.type_name


@dataclass(eq=False, slots=True)
class Place:
    """One way to stand on a position. `type_name` is the type of the object in the subgraph.

    `stage` is the least number of fetches in a row before this place can answer; `needs` are the roots on the way,
    with the stage of each, along the way that looked best when the place was found.
    """

    step: Step
    position: Position
    subgraph: str
    type_name: str
    stage: int
    needs: dict[RootKey, int]
    scope: Scope = NOTHING
    parent: Place | None = None
    edge: FieldEdge | None = None
    entry: Entry | None = None
    ways: tuple[Way, ...] = ()
    # What else than objects and subgraph tells a root from others: the field whose requirements it carries, or the
    # fetch after which the root of the operation is entered again.
    purpose: str = ""
    contexts: tuple[ContextValue, ...] = ()
    _certain: frozenset[RootKey] | None = None

    @property
    def certain(self) -> frozenset[RootKey]:
        """The roots on every way to this place: of `needs`, those that no other choice of keys can spare."""
        if self._certain is None:
            self._certain = self._on_every_way()
        return self._certain

    def _on_every_way(self) -> frozenset[RootKey]:
        if not self.is_root:
            assert self.parent is not None  # noqa: S101 - only roots have none
            return self.parent.certain
        if self.step is Step.ENTER:
            return frozenset(self.needs)
        if self.step is Step.REENTER:
            assert self.parent is not None  # noqa: S101 - the place it re-enters from
            return self.parent.certain | {self.key}
        ways = [
            frozenset[RootKey]().union(
                *(frozenset.intersection(*(option.certain for option in leaf.options)) for leaf in way.leaves)
            )
            for way in self.ways
        ]
        return frozenset.intersection(*ways) | {self.key}

    @property
    def key(self) -> RootKey:
        """The fetch a root stands for, as far as it is known before groups exist."""
        return self.position.track, self.subgraph, self.purpose

    @property
    def is_root(self) -> bool:
        return self.step.is_root


def undominated(places: Sequence[Place]) -> tuple[Place, ...]:
    """The places without those that, whichever way, need all the fetches another one needs, and maybe more."""
    if len(places) == 1:
        return (places[0],)
    kept: list[Place] = []
    for place in places:
        if any(other.needs.keys() <= place.certain for other in kept):
            continue
        kept = [other for other in kept if not place.needs.keys() <= other.certain]
        kept.append(place)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class ContextValue:
    """An argument filled from an ancestor: a variable of the fetch, and where its value is read."""

    argument: ArgumentNode
    variable: str
    type: str
    rewrites: tuple[KeyRenamer, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One set of leaves whose values let a HOP place be entered."""

    leaves: tuple[Leaf, ...]


@dataclass(eq=False, slots=True)
class Leaf:
    """A leaf field wanted at a position, and the places it can be fetched at, never none.

    `hidden` leaves are not asked for by the client: keys, requires, and what keeps a selection from being empty.
    """

    position: Position
    selection: Selection
    options: tuple[Place, ...]
    hidden: bool = False


@dataclass(eq=False, slots=True)
class Search:
    """A walk's result so far. `hidden` says that the walk is for a key or a requirement, not for the client."""

    hidden: bool = False
    leaves: list[Leaf] = field(default_factory=list)


class UnplannableError(Exception):
    """A field no sequence of fetches reaches."""

    def __init__(self, position: Position, selection: Selection) -> None:
        path = ".".join((*position.keys, selection.key))
        super().__init__(f"No subgraph can be reached that resolves {position.type_name}.{selection.name} at {path}.")


class Demand(Protocol):
    """Finds the leaves of a selection at a position, None if one of them is nowhere to be had."""

    def __call__(self, position: Position, selection_set: SelectionSetNode, /) -> tuple[Leaf, ...] | None: ...
