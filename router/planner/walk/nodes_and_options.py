"""The states of the search: objects of the response, the options to fetch them, and the leaves wanted of them.

An `ObjectNode` is an object in the response: a response path and a type. A `PathOption` is a way to have this object in
a subgraph. It comes from another option by one step:

| step    | from                                       | to                                                         |
|---------|--------------------------------------------|------------------------------------------------------------|
| ENTER   | -                                          | an operation root of the subgraph                          |
| FIELD   | an option of the parent node               | the object in one of its fields, in the same subgraph      |
| CAST    | an option of the same object               | the same under a type condition                            |
| DEFER   | an option of the same object               | the same in a deferred fragment                            |
| HOP     | options of the same object that have a key | the same in another subgraph, by `_entities`               |
| REENTER | an option whose field is the query root    | the query root of another subgraph                         |

An option refers to the options it comes from, so a chosen option is a whole path. ENTER, HOP and REENTER cost a fetch;
such options are the *roots* of the options after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from router.planner.graph.provides_scopes import NOTHING, Scope
from router.planner.normalise.skip_and_include import ALWAYS, Guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import ArgumentNode, SelectionSetNode

    from router.plan import KeyRenamer, Path
    from router.planner.graph.query_graph import Entry, FieldEdge
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.selections import MergedField

# A fetch as far as it is known before groups exist: its objects (`track`), its subgraph, and a purpose that tells
# two fetches of the same objects in one subgraph apart.
FetchId: TypeAlias = tuple[tuple[str, ...], str, str]
# An option that resolves a selection, and the edge of the field; `__typename` has none. A plain tuple, because the walk
# makes more of them than of anything else.
FieldOption: TypeAlias = "tuple[PathOption, FieldEdge | None]"


class PathStep(Enum):
    """The kinds of steps; `starts_fetch` says whether the step costs a fetch."""

    OPERATION_ROOT = "operation root", True
    FIELD = "field", False
    DOWNCAST = "downcast", False
    DEFER = "defer", False
    KEY_HOP = "key hop", True
    QUERY_ROOT = "query root", True

    def __init__(self, _name: str, starts_fetch: bool) -> None:  # noqa: FBT001 - the members above are the only calls
        self.starts_fetch = starts_fetch


@dataclass(eq=False, slots=True)
class NodeMemory:
    """What the search remembers of a node.

    Attributes:
        hops: its options behind keys, None before they are searched for.
        is_searching_hops: whether `hops` are not complete yet.
        branches: the same object under a type condition, by object type.
        key_leaves: the leaves of keys and requirements, by the identity of their selection set; None for those that
            cannot be fetched.
        requiring: the hops for fields that require others, by subgraph and field; `in_progress` are being searched for.
        internal_children: the objects below that are needed for keys and requirements only, by response key and the
            options they are reached from. Several keys can lead through one object.
    """

    hops: list[PathOption] | None = None
    is_searching_hops: bool = False
    branches: dict[str, ObjectNode] = field(default_factory=dict)
    key_leaves: dict[int, tuple[Leaf, ...] | None] = field(default_factory=dict)
    requiring: dict[tuple[str, str], PathOption | None] = field(default_factory=dict)
    in_progress: set[tuple[str, str]] = field(default_factory=set)
    internal_children: dict[tuple[object, ...], ObjectNode] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class ObjectNode:
    """An object in the response.

    Attributes:
        path: from the root of the response. It has type conditions only where objects of different types must not share
            a fetch, because the client wants different values under one response key.
        keys: the response keys on the path.
        track: the keys, with the type where the path has a type condition.
        split_keys: the response keys below which objects of different types must not share a fetch.
        parent: the object around it, or the same object without a type condition or deferral.
        selection: the field of the parent that has it, None if it is the same object as the parent.
        guards: all of these hold where the object exists.
        block: the deferred block that it belongs to.
        is_deferred: whether its fields are fetched apart from those of the same object outside the block, if possible.
        internal_depth: 0 for what the client selects; n for an object that is n levels deep in a key or a requirement.
        direct: the options that come from options of the parent; for the operation root, those that enter a subgraph.
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
    internal_depth: int = 0
    direct: list[PathOption] = field(default_factory=list)
    _memory: NodeMemory | None = None

    @property
    def memory(self) -> NodeMemory:
        """What the search remembers of it; most nodes need none."""
        if self._memory is None:
            self._memory = NodeMemory()
        return self._memory

    @property
    def type_condition(self) -> str | None:
        """The type of the object, if the node is the parent's object under a type condition."""
        if self.selection is not None or self.parent is None or self.parent.type_name == self.type_name:
            return None
        return self.type_name


@dataclass(eq=False, slots=True)
class PathOption:
    """A way to have the object of a node in a subgraph.

    Attributes:
        type_name: the type of the object in the subgraph.
        stage: the least number of fetches in a row before the fetch that has this option.
        needs: the roots on the path, each with its stage, by the key choices that looked best when it was found.
        scope: the fields that a `@provides` on the path makes resolvable.
        parent: the option it comes from; None for ENTER and HOP.
        edge: the field, for FIELD.
        entry: where the subgraph is entered, for HOP.
        key_choices: the keys that can be used, for HOP, those with the fewest fetches in a row first.
        purpose: the field whose requirements a HOP reads, or the fetch after which REENTER enters the query root again.
        contexts: the arguments of that field that come from objects around it.
    """

    step: PathStep
    node: ObjectNode
    subgraph: str
    type_name: str
    stage: int
    needed_fetches: dict[FetchId, int]
    scope: Scope = NOTHING
    parent: PathOption | None = None
    edge: FieldEdge | None = None
    entry: Entry | None = None
    key_choices: tuple[KeyChoice, ...] = ()
    purpose: str = ""
    contexts: tuple[ContextArgumentValue, ...] = ()
    _unavoidable_fetches: frozenset[FetchId] | None = None

    @property
    def unavoidable_fetches(self) -> frozenset[FetchId]:
        """The roots on every path to this option: those of `needs` that no other choice of keys avoids."""
        if self._unavoidable_fetches is None:
            self._unavoidable_fetches = self._find_unavoidable_fetches()
        return self._unavoidable_fetches

    def _find_unavoidable_fetches(self) -> frozenset[FetchId]:
        if not self.starts_fetch:
            assert self.parent is not None  # noqa: S101 - only ENTER and HOP have none
            return self.parent.unavoidable_fetches
        if self.step is PathStep.OPERATION_ROOT:
            return frozenset(self.needed_fetches)
        if self.step is PathStep.QUERY_ROOT:
            assert self.parent is not None  # noqa: S101 - the option whose field is the query root
            return self.parent.unavoidable_fetches | {self.fetch_id}
        choices = [
            frozenset[FetchId]().union(
                *(
                    frozenset.intersection(*(option.unavoidable_fetches for option in leaf.options))
                    for leaf in choice.leaves
                )
            )
            for choice in self.key_choices
        ]
        return frozenset.intersection(*choices) | {self.fetch_id}

    @property
    def fetch_id(self) -> FetchId:
        """The fetch that a root stands for."""
        return self.node.track, self.subgraph, self.purpose

    @property
    def starts_fetch(self) -> bool:
        return self.step.starts_fetch


@dataclass(frozen=True, slots=True)
class ContextArgumentValue:
    """An argument whose value comes from an object around: the variable that has it, and where it is read."""

    argument: ArgumentNode
    variable: str
    type: str
    rewrites: tuple[KeyRenamer, ...]


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One of the keys that a HOP can use: the leaves of the key, and of what the field behind it requires."""

    leaves: tuple[Leaf, ...]


@dataclass(eq=False, slots=True)
class Leaf:
    """A leaf field wanted of a node, and the options by which it can be fetched, at least one.

    `is_internal` leaves are not the client's: fields of keys and requirements, and what keeps a selection from being
    empty.
    """

    node: ObjectNode
    selection: MergedField
    options: tuple[PathOption, ...]
    is_internal: bool = False


@dataclass(eq=False, slots=True)
class LeafSearch:
    """The leaves that a walk has found so far; `is_internal` if it is for a key or a requirement."""

    is_internal: bool = False
    leaves: list[Leaf] = field(default_factory=list)


class UnplannableError(Exception):
    """A field that no sequence of fetches reaches (planning §3.24)."""

    def __init__(self, node: ObjectNode, selection: MergedField) -> None:
        path = ".".join((*node.keys, selection.key))
        super().__init__(f"No subgraph can be reached that resolves {node.type_name}.{selection.name} at {path}.")


class KeyLeaves(Protocol):
    """Finds the leaves of a key or a requirement of a node, None if one of them cannot be fetched."""

    def __call__(self, node: ObjectNode, selection_set: SelectionSetNode, /) -> tuple[Leaf, ...] | None: ...


def fetch_start(option: PathOption) -> PathOption:
    """The root of an option: it stands for the fetch that has the option."""
    while not option.step.starts_fetch:
        assert option.parent is not None  # noqa: S101 - only ENTER and HOP have none
        option = option.parent
    return option


def without_dominated(options: Sequence[PathOption]) -> tuple[PathOption, ...]:
    """The options without those that certainly need all fetches that another one needs."""
    if len(options) == 1:
        return (options[0],)
    kept: list[PathOption] = []
    for option in options:
        if any(other.needed_fetches.keys() <= option.unavoidable_fetches for other in kept):
            continue
        kept = [other for other in kept if not option.needed_fetches.keys() <= other.unavoidable_fetches]
        kept.append(option)
    return tuple(kept)
