"""Object nodes, options and leaves: what the walk over an operation builds.

A *node* is an object in the response: a response path and a type. An *option* is one way to stand on it: a subgraph
that has the object, reached by one kind of step:

    ENTER   an operation root of the subgraph
    FIELD   a field of an option on the parent node
    CAST    a type condition on an option of the same object
    DEFER   a deferred fragment on an option of the same object
    HOP     `_entities`, with a key (and what `@requires` asks for) read from other options of the same object
    REENTER the query root of another subgraph, below a field that leads back to the query root

An option names the option(s) it came from, so that choosing an option for a leaf chooses a whole path.
ENTER, HOP and REENTER options are *roots*: each costs a fetch.
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
    from router.planner.normalise.selections import MergedField

# A fetch as far as it is known before groups exist: response path, subgraph, and what distinguishes two entries there.
RootKey: TypeAlias = tuple[tuple[str, ...], str, str]


class PathStep(Enum):
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
class ObjectNode:
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
        bases: options reached from the parent's options (or, at the root, by entering).
        hops: options behind a key, None until they are looked for; while `closing`, those found so far.
        branches: the same object under a type condition, by concrete type.
        demands, requirements: answers already found for keys (by identity of their selection) and for fields that
            require something (by subgraph and field); `in_progress` are requirements being looked for.
        helpers: the objects below it that are looked at for keys and requirements, by response key and the options they
            are reached from: many keys lead through the same object.
    """

    type_name: str
    path: Path = ()
    keys: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    split_keys: frozenset[str] = frozenset()
    parent: ObjectNode | None = None
    selection: MergedField | None = None
    guards: Guards = ALWAYS
    block: Block | None = None
    is_deferred: bool = False
    helper_depth: int = 0
    bases: list[PathOption] = field(default_factory=list)
    hops: list[PathOption] | None = None
    branches: dict[str, ObjectNode] = field(default_factory=dict)
    closing: bool = False
    demands: dict[int, tuple[Leaf, ...] | None] = field(default_factory=dict)
    helpers: dict[tuple[object, ...], ObjectNode] = field(default_factory=dict)
    requirements: dict[tuple[str, str], PathOption | None] = field(default_factory=dict)
    in_progress: set[tuple[str, str]] = field(default_factory=set)

    @property
    def type_condition(self) -> str | None:
        """The type its objects have, where it is the parent's object under a type condition."""
        if self.selection is not None or self.parent is None or self.parent.type_name == self.type_name:
            return None
        return self.type_name


@dataclass(eq=False, slots=True)
class PathOption:
    """One way to stand on a node. `type_name` is the type of the object in the subgraph.

    `stage` is the least number of fetches in a row before this option can answer; `needs` are the roots on the way,
    with the stage of each, along the path that looked best when the option was found.
    """

    step: PathStep
    node: ObjectNode
    subgraph: str
    type_name: str
    stage: int
    needs: dict[RootKey, int]
    scope: Scope = NOTHING
    parent: PathOption | None = None
    edge: FieldEdge | None = None
    entry: Entry | None = None
    key_choices: tuple[KeyChoice, ...] = ()
    # What else than objects and subgraph tells a root from others: the field whose requirements it carries, or the
    # fetch after which the root of the operation is entered again.
    purpose: str = ""
    contexts: tuple[ContextValue, ...] = ()
    _certain: frozenset[RootKey] | None = None

    @property
    def certain(self) -> frozenset[RootKey]:
        """The roots on every path to this option: of `needs`, those that no other choice of keys can spare."""
        if self._certain is None:
            self._certain = self._on_every_path()
        return self._certain

    def _on_every_path(self) -> frozenset[RootKey]:
        if not self.is_root:
            assert self.parent is not None  # noqa: S101 - only roots have none
            return self.parent.certain
        if self.step is PathStep.ENTER:
            return frozenset(self.needs)
        if self.step is PathStep.REENTER:
            assert self.parent is not None  # noqa: S101 - the option it re-enters from
            return self.parent.certain | {self.key}
        key_choices = [
            frozenset[RootKey]().union(
                *(frozenset.intersection(*(option.certain for option in leaf.options)) for leaf in choice.leaves)
            )
            for choice in self.key_choices
        ]
        return frozenset.intersection(*key_choices) | {self.key}

    @property
    def key(self) -> RootKey:
        """The fetch a root stands for, as far as it is known before groups exist."""
        return self.node.track, self.subgraph, self.purpose

    @property
    def is_root(self) -> bool:
        return self.step.is_root


def undominated(options: Sequence[PathOption]) -> tuple[PathOption, ...]:
    """The options without those that, whichever way, need all the fetches another one needs, and maybe more."""
    if len(options) == 1:
        return (options[0],)
    kept: list[PathOption] = []
    for option in options:
        if any(other.needs.keys() <= option.certain for other in kept):
            continue
        kept = [other for other in kept if not option.needs.keys() <= other.certain]
        kept.append(option)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class ContextValue:
    """An argument filled from an ancestor: a variable of the fetch, and where its value is read."""

    argument: ArgumentNode
    variable: str
    type: str
    rewrites: tuple[KeyRenamer, ...]


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One set of leaves whose values let a HOP option be entered."""

    leaves: tuple[Leaf, ...]


@dataclass(eq=False, slots=True)
class Leaf:
    """A leaf field wanted at a node, and the options it can be fetched at, never none.

    `is_internal` leaves are not asked for by the client: keys, requires, and what keeps a selection from being empty.
    """

    node: ObjectNode
    selection: MergedField
    options: tuple[PathOption, ...]
    is_internal: bool = False


@dataclass(eq=False, slots=True)
class LeafSearch:
    """A walk's result so far. `is_internal` says that the walk is for a key or a requirement, not for the client."""

    is_internal: bool = False
    leaves: list[Leaf] = field(default_factory=list)


class UnplannableError(Exception):
    """A field no sequence of fetches reaches."""

    def __init__(self, node: ObjectNode, selection: MergedField) -> None:
        path = ".".join((*node.keys, selection.key))
        super().__init__(f"No subgraph can be reached that resolves {node.type_name}.{selection.name} at {path}.")


class Demand(Protocol):
    """Finds the leaves of a selection at a node, None if one of them is nowhere to be had."""

    def __call__(self, node: ObjectNode, selection_set: SelectionSetNode, /) -> tuple[Leaf, ...] | None: ...
