"""The classes of nodes, options and leaves. The walk finds all leaves with their options, then `choose` chooses.

An `ObjectNode` is an object of the response. A `Leaf` is a leaf field to fetch for the object. A `PathOption` is a path
to the object in one subgraph. Most options continue one other option, their parent, by one step.
OPERATION_ROOT has no parent. KEY_HOP needs the options that fetch the leaves of the key:

| last step      | begins from                      | leads to                                                 |
|----------------|----------------------------------|----------------------------------------------------------|
| OPERATION_ROOT | no option                        | an operation root of the subgraph                        |
| FIELD          | an option of the parent object   | the object that the field returns, in the same subgraph  |
| DOWNCAST       | an option of the same object     | the object under a type condition                        |
| DEFER          | an option of the same object     | the object in a deferred fragment                        |
| KEY_HOP        | the options of the key's leaves  | the object in another subgraph, by a key and `_entities` |
| QUERY_ROOT     | an option of a `Query` object    | the query root of a subgraph (*re-entry*)                |

The steps OPERATION_ROOT, KEY_HOP and QUERY_ROOT begin a fetch; the other steps stay in the same fetch. The *fetch
start* of an option is the option with which its fetch begins. An option is its own fetch start if its last step begins
a fetch. Otherwise, it has the fetch start of its parent.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from router.planner.graph.provides_scopes import NOTHING, Scope
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import ArgumentNode, SelectionSetNode

    from router.plan import KeyRenamer, Path
    from router.planner.graph.query_graph import Entry, FieldEdge
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.merge_selections import MergedField

# Identifies a fetch during the search: the track of its objects (`ObjectNode.track`), the subgraph, and a purpose. The
# purpose distinguishes several fetches of the same objects from one subgraph (`PathOption.purpose`).
FetchId: TypeAlias = tuple[tuple[str, ...], str, str]
# An option that resolves a field, and the field's edge in the query graph (None for `__typename`). The type is a plain
# tuple for speed: the walk creates more of these tuples than of any other object.
FieldOption: TypeAlias = "tuple[PathOption, FieldEdge | None]"

# Identifies a field of an interface: the track and the type of the object (`ObjectNode`), the response key, and the
# name with the arguments.
ExpandableField: TypeAlias = tuple[tuple[str, ...], str, str, str]

# The types that an object and all objects above it can have, outermost object first.
TypesOnPath: TypeAlias = tuple[frozenset[str], ...]


class PathStep(Enum):
    """The last step of the path of an option. `starts_fetch` says whether the step begins a fetch."""

    OPERATION_ROOT = "operation root", True
    FIELD = "field", False
    DOWNCAST = "downcast", False
    DEFER = "defer", False
    KEY_HOP = "key hop", True
    QUERY_ROOT = "query root", True

    def __init__(self, _name: str, starts_fetch: bool) -> None:  # noqa: FBT001 - the members above are the only calls
        self.starts_fetch = starts_fetch


class NodeMemory(msgspec.Struct, eq=False):
    """A cache for the results of searches on one node. Several fields of the node need the same results.

    Attributes:
        hops: The hops of the node. None if the search for hops has not begun.
        is_searching_hops: Whether the search for `hops` is still running.
        branches: The branches of the node, by object type. A branch is a node of the same object under a type
            condition.
        key_leaves: The leaves of each key and requirement, by the `id()` of its selection set. The value is None if a
            leaf cannot be fetched.
        requiring: The hop for each field with requirements, by subgraph and field name. The value is None if no hop is
            possible.
        in_progress: The subgraph and field name of each search for `requiring` that is still running.
        internal_children: The nodes of internal child objects. A node is cached by its response key and the options
            that resolve its field, so that several keys and requirements can use the node.
    """

    hops: list[PathOption] | None = None
    is_searching_hops: bool = False
    branches: dict[str, ObjectNode] = msgspec.field(default_factory=dict)
    key_leaves: dict[int, tuple[Leaf, ...] | None] = msgspec.field(default_factory=dict)
    requiring: dict[tuple[str, str], PathOption | None] = msgspec.field(default_factory=dict)
    in_progress: set[tuple[str, str]] = msgspec.field(default_factory=set)
    internal_children: dict[tuple[object, ...], ObjectNode] = msgspec.field(default_factory=dict)


class ObjectNode(msgspec.Struct, eq=False):
    """An object of the response.

    Attributes:
        path: The path from the root of the response. The path has a type condition only where objects of different
            types must not share a fetch (see `split_keys`).
        keys: The response keys on the path.
        track: The response keys on the path, each with the parent type if `path` has a type condition before the key.
            In a deferred fragment, the track also has the number of the block. Objects with equal tracks can share a
            fetch.
        split_keys: Response keys under which child objects of different parent types must not share a fetch. Inside
            these child objects, the client selects different fields under one response key.
        parent: The node of the parent object. For a node under a type condition or `@defer`, the node of the same
            object outside this fragment.
        selection: The field of the parent that returns the object. None if `parent` is the same object.
        guards: The `@skip` and `@include` conditions under which the object is selected.
        block: The deferred block that the object belongs to. None if the object is not deferred.
        is_deferred: Whether this is the second node of an object, for the fields of a deferred fragment. These fields
            get their own fetches if possible. Always False for operation roots.
        internal_depth: 0 for an object that the client selects, n for an object n levels deep in a key or requirement.
        direct: The direct options. An operation root has a direct option for each subgraph with this root type.
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
    direct: list[PathOption] = msgspec.field(default_factory=list)
    _memory: NodeMemory | None = None

    @property
    def memory(self) -> NodeMemory:
        """Return the cache of the node. The cache is created on first use, because most nodes need no cache."""
        if self._memory is None:
            self._memory = NodeMemory()
        return self._memory

    @property
    def type_condition(self) -> str | None:
        """Return the type condition of a branch, which is the type of the node. Return None for other nodes."""
        if self.selection is not None or self.parent is None or self.parent.type_name == self.type_name:
            return None
        return self.type_name


class PathOption(msgspec.Struct, eq=False):
    """A path to the object of a node in one subgraph.

    Attributes:
        step: The last step of the path.
        type_name: The type of the object in the subgraph.
        stage: The lowest possible stage of the fetch that contains the option.
        needed_fetches: All fetches that the path needs, each with its stage. For a hop with several keys, these are the
            fetches for the key with the lowest stage.
        scope: The fields that the subgraph resolves here because of a `@provides` on the path.
        parent: The option that this option continues; None for OPERATION_ROOT and KEY_HOP.
        edge: For FIELD, the field in the query graph.
        entry: For KEY_HOP, the entity type and its keys in the subgraph.
        key_choices: For KEY_HOP, the keys that can be fetched, sorted by stage.
        purpose: For a KEY_HOP that resolves a field with requirements, the name of this field, with the path to its
            object. For QUERY_ROOT, a string that identifies the fetch of the parent option. Otherwise empty.
        contexts: The `@fromContext` arguments of a field. Two options have them: the KEY_HOP that begins the fetch of
            the field, and the option at the field's object. Otherwise empty.
        contextual_field: The name of this field, on the option at the field's object. Otherwise empty.
        context_leaves: The leaves for the values of these arguments, except leaves of the keys. The representation does
            not contain these leaves.
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
    contextual_field: str = ""
    context_leaves: tuple[Leaf, ...] = ()
    _unavoidable_fetches: frozenset[FetchId] | None = None

    @property
    def unavoidable_fetches(self) -> frozenset[FetchId]:
        """Return the fetches that the path needs in every case, whichever keys and options its hops use."""
        if self._unavoidable_fetches is None:
            self._unavoidable_fetches = self._find_unavoidable_fetches()
        return self._unavoidable_fetches

    def _find_unavoidable_fetches(self) -> frozenset[FetchId]:
        if not self.starts_fetch:
            assert self.parent is not None  # noqa: S101 - only options that start a fetch have no parent
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
        """Return the id of the fetch that the option begins. The option must be a fetch start."""
        return self.node.track, self.subgraph, self.purpose

    @property
    def starts_fetch(self) -> bool:
        return self.step.starts_fetch


class ContextArgumentValue(msgspec.Struct, frozen=True):
    """An argument with `@fromContext`, and the variable for its value.

    `rewrites` has the paths where the value is read. The name in each rewrite is the variable.
    """

    argument: ArgumentNode
    variable: str
    type: str
    rewrites: tuple[KeyRenamer, ...]


class KeyChoice(msgspec.Struct, frozen=True):
    """One of the keys that a hop can use.

    `leaves` has the leaves of the key. If the hop resolves a field with requirements, `leaves` also has the leaves of
    the requirements.
    """

    leaves: tuple[Leaf, ...]


class Leaf(msgspec.Struct, eq=False):
    """A leaf field to fetch for a node, and the options that resolve the field. A leaf has at least one option.

    `is_internal` says that the client did not select the leaf. An internal leaf belongs to a key or a requirement, or
    is a `__typename` in a selection set that would otherwise be empty.
    """

    node: ObjectNode
    selection: MergedField
    options: tuple[PathOption, ...]
    is_internal: bool = False


class LeafSearch(msgspec.Struct, eq=False):
    """A running search, with the leaves found so far.

    Attributes:
        is_internal: Whether the search is for a key or a requirement.
        leaves: The leaves found so far.
        expand: The fields to expand, although they can be resolved on an interface.
        expandable: The fields that were not expanded, although expanding them may save a fetch. The dictionary is used
            as an ordered set: all values are None.
        expandable_if_alone: The fields that were not expanded, although expanding them may save a fetch if this fetch
            returns nothing else. Each field is mapped to its leaves.
    """

    is_internal: bool = False
    leaves: list[Leaf] = msgspec.field(default_factory=list)
    expand: frozenset[ExpandableField] = frozenset()
    expandable: dict[ExpandableField, None] = msgspec.field(default_factory=dict)
    expandable_if_alone: dict[ExpandableField, tuple[Leaf, ...]] = msgspec.field(default_factory=dict)


class UnplannableError(Exception):
    """No sequence of fetches can resolve a field (planning §3.24)."""

    def __init__(self, node: ObjectNode, selection: MergedField) -> None:
        path = ".".join((*node.keys, selection.key))
        super().__init__(f"No sequence of fetches resolves {node.type_name}.{selection.name} at {path}.")


class KeyLeaves(Protocol):
    """A function that returns the leaves of a key or a requirement of a node, or None if a leaf cannot be fetched."""

    def __call__(self, node: ObjectNode, selection_set: SelectionSetNode, /) -> tuple[Leaf, ...] | None: ...


def fetch_start(option: PathOption) -> PathOption:
    """Return the fetch start of an option: the option itself, or an option that it continues."""
    while not option.step.starts_fetch:
        assert option.parent is not None  # noqa: S101 - only options that start a fetch have no parent
        option = option.parent
    return option


def types_on_path(
    node: ObjectNode, possible: Callable[[str], frozenset[str]], *, with_conditions: bool = True
) -> TypesOnPath:
    """Return the types that the object of a node and all objects above it can have, from the operation root on.

    `possible` returns the object types of a type. If `with_conditions` is False, type conditions are ignored.
    """
    found: list[frozenset[str]] = []
    at: ObjectNode | None = node
    while at is not None:
        narrowest = at
        while at.selection is None and at.parent is not None:
            at = at.parent
        found.append(possible(narrowest.type_name if with_conditions else at.type_name))
        at = at.parent
    return tuple(reversed(found))


def without_dominated(options: Sequence[PathOption]) -> tuple[PathOption, ...]:
    """Drop each option that is never better than another option.

    Option x is never better than option y if x always needs all fetches of y, whatever keys x uses.
    """
    if len(options) == 1:
        return (options[0],)
    remaining: list[PathOption] = []
    for option in options:
        if any(other.needed_fetches.keys() <= option.unavoidable_fetches for other in remaining):
            continue
        remaining = [other for other in remaining if not option.needed_fetches.keys() <= other.unavoidable_fetches]
        remaining.append(option)
    return tuple(remaining)
