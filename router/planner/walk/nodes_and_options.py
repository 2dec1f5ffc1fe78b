"""Nodes, options and leaves: what the walk finds, and what `choose` chooses from.

An `ObjectNode` is an object of the response. A `Leaf` is a leaf field to fetch for it. A `PathOption` is a path to the
object in one subgraph. It continues another option by one step:

| last step      | continues an option of           | leads to                                                 |
|----------------|----------------------------------|----------------------------------------------------------|
| OPERATION_ROOT | none                             | an operation root of the subgraph                        |
| FIELD          | the parent node                  | the object that the field returns, in the same subgraph  |
| DOWNCAST       | the same object                  | the object under a type condition                        |
| DEFER          | the same object                  | the object in a deferred fragment                        |
| KEY_HOP        | the same object, for each key    | the object in another subgraph, by a key and `_entities` |
| QUERY_ROOT     | a field that returns `Query`     | the query root of another subgraph (*re-entry*)          |

OPERATION_ROOT, KEY_HOP and QUERY_ROOT begin a fetch. An option that ends with such a step is the *fetch start* of
itself and of all options that continue it in the same fetch.
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

# Identifies a fetch before fetch groups are built: by its objects (`ObjectNode.track`), its subgraph, and a purpose
# that distinguishes two fetches of the same objects from one subgraph.
FetchId: TypeAlias = tuple[tuple[str, ...], str, str]
# An option that resolves a field, and the field's edge in the query graph (None for `__typename`). A plain tuple,
# because the walk creates more of these tuples than of any other object.
FieldOption: TypeAlias = "tuple[PathOption, FieldEdge | None]"


class PathStep(Enum):
    """The steps of a path; `starts_fetch` says whether the step begins a fetch."""

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
    """Results of searches on a node, cached because several fields need them.

    Attributes:
        hops: The hops of the node, None before the search for hops.
        is_searching_hops: Whether the search for `hops` is still running.
        branches: The nodes of the same object under a type condition, by object type.
        key_leaves: The leaves of each key and requirement, by the `id()` of its selection set; None if a leaf cannot be
            fetched.
        requiring: The hop for each field with requirements, by subgraph and field; None if there is no such hop.
        in_progress: The subgraph and field of each hop in `requiring` that is still searched for.
        internal_children: The nodes of internal child objects, by response key and the options of the parent. Several
            keys can use one node.
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
    """An object of the response.

    Attributes:
        path: The path from the root of the response. It has a type condition only if objects of different types must
            not share a fetch, because the client selects different fields under one response key.
        keys: The response keys on the path.
        track: Equal for objects that can share a fetch: the response keys, each with the parent type if `path` has a
            type condition there.
        split_keys: The response keys below which objects of different types must not share a fetch.
        parent: The parent object, or the node of the same object without the type condition or `@defer`.
        selection: The field of the parent that returns the object, None if `parent` is the same object.
        guards: The `@skip` and `@include` conditions under which the object is selected.
        block: The deferred block that the object belongs to.
        is_deferred: Whether the object is in a deferred fragment. Its fields then get fetches of their own if possible.
        internal_depth: 0 for an object that the client selects, n for an object n levels deep in a key or requirement.
        direct: The direct options; for an operation root, an option for each subgraph.
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
        """Return the cached results of the node. They are created on first use, because most nodes have none."""
        if self._memory is None:
            self._memory = NodeMemory()
        return self._memory

    @property
    def type_condition(self) -> str | None:
        """Return the node's type if `parent` is the same object without this type condition, else None."""
        if self.selection is not None or self.parent is None or self.parent.type_name == self.type_name:
            return None
        return self.type_name


@dataclass(eq=False, slots=True)
class PathOption:
    """A path to the object of a node in one subgraph.

    Attributes:
        step: The last step of the path.
        type_name: The type of the object in the subgraph.
        stage: The lowest possible stage of the fetch that contains the option.
        needed_fetches: The fetches on the path, each with its stage. A hop takes the key with the lowest stage.
        scope: The fields that the subgraph resolves here because of a `@provides` on the path.
        parent: The option that this option continues; None for OPERATION_ROOT and KEY_HOP.
        edge: For FIELD, the field in the query graph.
        entry: For KEY_HOP, the entity type and its keys in the subgraph.
        key_choices: For KEY_HOP, the keys that can be fetched, the key with the lowest stage first.
        purpose: For KEY_HOP, the name of the field whose requirements are fetched for the hop, else empty. For
            QUERY_ROOT, a text that identifies the fetch that has the parent option.
        contexts: For KEY_HOP, the `@fromContext` arguments of that field.
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
        """Return the fetches of `needed_fetches` that are needed with any choice of keys on the path."""
        if self._unavoidable_fetches is None:
            self._unavoidable_fetches = self._find_unavoidable_fetches()
        return self._unavoidable_fetches

    def _find_unavoidable_fetches(self) -> frozenset[FetchId]:
        if not self.starts_fetch:
            assert self.parent is not None  # noqa: S101 - OPERATION_ROOT and KEY_HOP start a fetch
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
        """Return the fetch that the option begins; only for an option that is a fetch start."""
        return self.node.track, self.subgraph, self.purpose

    @property
    def starts_fetch(self) -> bool:
        return self.step.starts_fetch


@dataclass(frozen=True, slots=True)
class ContextArgumentValue:
    """An argument with `@fromContext`: the variable with its value, and `rewrites` that say where the value is read."""

    argument: ArgumentNode
    variable: str
    type: str
    rewrites: tuple[KeyRenamer, ...]


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One of the keys that a hop can use: the leaves of the key and of the requirements that the hop is for."""

    leaves: tuple[Leaf, ...]


@dataclass(eq=False, slots=True)
class Leaf:
    """A leaf field to fetch for a node, and the options that resolve it, at least one.

    `is_internal` says that the client did not select the leaf. It belongs to a key or a requirement, or it is a
    `__typename` in a selection set that would otherwise be empty.
    """

    node: ObjectNode
    selection: MergedField
    options: tuple[PathOption, ...]
    is_internal: bool = False


@dataclass(eq=False, slots=True)
class LeafSearch:
    """The leaves found so far; `is_internal` says that the search is for a key or a requirement."""

    is_internal: bool = False
    leaves: list[Leaf] = field(default_factory=list)


class UnplannableError(Exception):
    """No sequence of fetches can resolve a field (planning §3.24)."""

    def __init__(self, node: ObjectNode, selection: MergedField) -> None:
        path = ".".join((*node.keys, selection.key))
        super().__init__(f"No sequence of fetches resolves {node.type_name}.{selection.name} at {path}.")


class KeyLeaves(Protocol):
    """Returns the leaves of a key or a requirement of a node, or None if one of the leaves cannot be fetched."""

    def __call__(self, node: ObjectNode, selection_set: SelectionSetNode, /) -> tuple[Leaf, ...] | None: ...


def fetch_start(option: PathOption) -> PathOption:
    """Return the fetch start of an option: the option itself or an ancestor, where the current fetch begins."""
    while not option.step.starts_fetch:
        assert option.parent is not None  # noqa: S101 - OPERATION_ROOT and KEY_HOP start a fetch
        option = option.parent
    return option


def without_dominated(options: Sequence[PathOption]) -> tuple[PathOption, ...]:
    """Drop each option whose unavoidable fetches include all needed fetches of another option; return the rest."""
    if len(options) == 1:
        return (options[0],)
    remaining: list[PathOption] = []
    for option in options:
        if any(other.needed_fetches.keys() <= option.unavoidable_fetches for other in remaining):
            continue
        remaining = [other for other in remaining if not option.needed_fetches.keys() <= other.unavoidable_fetches]
        remaining.append(option)
    return tuple(remaining)
