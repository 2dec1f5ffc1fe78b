"""The nodes of a query plan (planning §8.1): frozen data, the only thing that planner and executor share.

A plan is a tree of nodes whose leaves are fetches:

    Sequence[ Fetch#0 auth,
              Flatten(me.accounts.@, Fetch#1 account  <- {__typename id}) ]

Two readings agree. The *tree* is Apollo's plan format: a `Sequence` runs its nodes one after the other, a `Parallel`
at once. The *graph* is finer: each `Fetch` names, in `depends_on`, the fetches whose merged results it needs (or, after
a mutation field, must come after), so an executor may start a fetch the moment those are merged and never look at
`Sequence` and `Parallel`. `Condition` nodes bind in both readings. A `BatchFetch` is a `Parallel` of entity fetches
that travel in one request, which starts when all of them could.

Paths. A `Flatten` path leads from the root of the response to the objects a fetch extends: `Key` steps into an object
by response key, `Each` into every item of a list (once per list level), `TypeIs` keeps only objects of these concrete
types. Rewrite paths start at a representation (input) or an entity (output) or the fetch's root object (output of a
root fetch), and pass through lists without naming them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Sequence as Seq

OperationKind: TypeAlias = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class Key:
    """The value under a response key of an object."""

    name: str


@dataclass(frozen=True, slots=True)
class Each:
    """Every item of a list; a list of lists takes two."""


@dataclass(frozen=True, slots=True)
class TypeIs:
    """Only objects whose `__typename` is one of these concrete types (in a rewrite path: exactly one type)."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """One object up; only in context rewrites."""


PathStep: TypeAlias = Key | Each | TypeIs | Parent
Path: TypeAlias = tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class InputField:
    """One key of a representation, read from the response under the response key `name`."""

    name: str
    selections: tuple[InputSelection, ...] = ()


@dataclass(frozen=True, slots=True)
class InputFragment:
    """Keys of the representation of an object of this type (or of a subtype of it).

    `conditions` are alternatives, each of Boolean variables with the values that they must have. Where none of them
    holds, the fetch selects nothing that needs these keys, and they may not be in the response. Without conditions the
    keys are always needed. Apollo's format does not have conditions: its executors leave out objects that lack a key.
    """

    type_condition: str
    selections: tuple[InputSelection, ...]
    conditions: tuple[tuple[tuple[str, bool], ...], ...] = ()


InputSelection: TypeAlias = InputField | InputFragment


@dataclass(frozen=True, slots=True)
class OutputField:
    """A field that a fetch selects: `key` is its response key, `selections` are empty for a leaf.

    It is selected where all `conditions` hold: Boolean variables with the values they must have. What a selection
    above requires is not repeated.
    """

    key: str
    name: str
    selections: tuple[OutputSelection, ...] = ()
    conditions: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFragment:
    """Fields that a fetch selects on objects of this type (or of a subtype of it); conditions as for a field."""

    type_condition: str
    selections: tuple[OutputSelection, ...]
    conditions: tuple[tuple[str, bool], ...] = ()


OutputSelection: TypeAlias = OutputField | OutputFragment


@dataclass(frozen=True, slots=True)
class ValueSetter:
    """Sets the value at `path`, wherever the path exists."""

    path: Path
    value: str


@dataclass(frozen=True, slots=True)
class KeyRenamer:
    """Renames the last key of `path` to `name`, wherever the path exists."""

    path: Path
    name: str


Rewrite: TypeAlias = ValueSetter | KeyRenamer


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    Attributes:
        id: unique in the plan, in order of appearance from 0.
        depends_on: ids of the fetches that must be merged (or skipped) before this one starts, transitively complete
            through their own `depends_on`.
        operation: minified GraphQL text. An entity fetch has a variable for its representations and the one root field
            `_entities`.
        selections: what `operation` selects on the root, or on the entities of an entity fetch: the same as the text,
            for those who would otherwise parse it. Arguments stand in the text only.
        operation_name: set only when the client's operation has a name.
        variable_usages: names of client variables the operation uses, sorted.
        requires: how to build one representation per object, empty for a root fetch. The alternatives are tried on
            every object; those whose conditions hold and whose type condition matches are merged.
        input_rewrites: applied to each representation, in order.
        output_rewrites: applied to each entity (or to the data of a root fetch) before it is merged, in order.
        representations: the variable with the representations, another one than the client's variables.
        context_rewrites: for arguments filled from an ancestor object: `Parent` steps climb from the object being
            fetched, the last key is read and becomes the variable `name` of the operation.
    """

    id: int
    service_name: str
    operation: str
    operation_kind: OperationKind
    operation_name: str | None = None
    variable_usages: tuple[str, ...] = ()
    requires: tuple[InputFragment, ...] = ()
    depends_on: tuple[int, ...] = ()
    input_rewrites: tuple[Rewrite, ...] = ()
    output_rewrites: tuple[Rewrite, ...] = ()
    context_rewrites: tuple[KeyRenamer, ...] = ()
    has_defers: bool = False
    representations: str = "representations"
    selections: tuple[OutputSelection, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Nodes that run one after the other."""

    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Nodes that run at the same time."""

    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Flatten:
    """Runs `node` for the objects at `path`, an absolute path from the root of the response."""

    path: Path
    node: Fetch


@dataclass(frozen=True, slots=True)
class Condition:
    """Runs one of the clauses, by the coerced value of a Boolean variable."""

    variable: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One entity fetch of a batch.

    Attributes:
        alias: the response key of its `_entities` field.
        representations: the variable with its representations.
        selection_set: minified text of what is selected on its entities.
        node: the fetch on its own: a `Flatten`, inside the conditions under which the part takes part.
    """

    alias: str
    representations: str
    selection_set: str
    node: Flatten | Condition

    @property
    def fetch(self) -> Fetch:
        """The fetch in `node`."""
        (fetch,) = iter_fetches(self.node)
        return fetch


@dataclass(frozen=True, slots=True)
class BatchFetch:
    """Entity fetches of one subgraph in one request, an aliased `_entities` field for each.

    Attributes:
        definitions: the client's variables that the parts use, by name, as minified variable definitions.
    """

    service_name: str
    parts: tuple[BatchPart, ...]
    definitions: tuple[tuple[str, str], ...] = ()
    operation_name: str | None = None

    def variable_usages(self, parts: Iterable[BatchPart]) -> tuple[str, ...]:
        """The client's variables that some of the parts use, sorted."""
        return tuple(sorted({name for part in parts for name in part.fetch.variable_usages}))

    def operation(self, parts: Seq[BatchPart]) -> str:
        """The operation for some of the parts: those that have objects."""
        used = set(self.variable_usages(parts))
        variables = [f"${part.representations}:[_Any!]!" for part in parts]
        variables += [text for name, text in self.definitions if name in used]
        head = "query" if self.operation_name is None else f"query {self.operation_name}"
        fields = [
            f"{part.alias}:_entities(representations:${part.representations}){part.selection_set}" for part in parts
        ]
        return f"{head}({','.join(variables)}){{{''.join(fields)}}}"


@dataclass(frozen=True, slots=True)
class DeferPrimary:
    """The initial response: `subselection` is what the client selects in it, None if that is nothing."""

    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class DeferDependency:
    """A fetch that a deferred part waits for."""

    fetch_id: int
    defer_label: str | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """A deferred part of the response: `subselection` is what the client selects below `query_path`."""

    depends: tuple[DeferDependency, ...]
    label: str | None
    query_path: tuple[str, ...]
    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class Defer:
    """A response in parts: the initial one, and those that are delivered later."""

    primary: DeferPrimary
    deferred: tuple[DeferredPart, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`primary` opens the stream; `rest` runs for every event."""

    primary: Fetch
    rest: PlanNode | None = None


PlanNode: TypeAlias = Sequence | Parallel | Fetch | BatchFetch | Flatten | Condition | Defer | Subscription


def iter_fetches(node: PlanNode | None) -> Iterator[Fetch]:
    """Every fetch of a plan, in order of appearance; the parts of a batch each by itself."""
    for request in iter_requests(node):
        if isinstance(request, Fetch):
            yield request
        else:
            for part in request.parts:
                yield from iter_fetches(part.node)


def awaited_fetches(node: PlanNode | None) -> frozenset[int]:
    """The ids of the fetches that deferred parts wait for."""
    match node:
        case Condition(if_clause=if_clause, else_clause=else_clause):
            return awaited_fetches(if_clause) | awaited_fetches(else_clause)
        case Defer(deferred=deferred):
            own = frozenset(dependency.fetch_id for part in deferred for dependency in part.depends)
            return own.union(*(awaited_fetches(part.node) for part in deferred))
        case _:
            return frozenset()


def iter_requests(node: PlanNode | None) -> Iterator[Fetch | BatchFetch]:
    """Every request of a plan, in order of appearance."""
    match node:
        case None:
            return
        case Fetch() | BatchFetch():
            yield node
        case Flatten(node=inner):
            yield inner
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from iter_requests(child)
        case Condition(if_clause=if_clause, else_clause=else_clause):
            yield from iter_requests(if_clause)
            yield from iter_requests(else_clause)
        case Defer(primary=primary, deferred=deferred):
            yield from iter_requests(primary.node)
            for part in deferred:
                yield from iter_requests(part.node)
        case Subscription(primary=fetch, rest=rest):
            yield fetch
            yield from iter_requests(rest)
