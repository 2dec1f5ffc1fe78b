"""The nodes of a query plan (planning §8.1): frozen data, the only thing that planner and executor share.

A plan is a tree of nodes whose leaves are fetches:

    Sequence[ Fetch#0 auth,
              Flatten(me.accounts.@, Fetch#1 account  <- {__typename id}) ]

A plan can be executed in two ways with the same result. The *tree* is Apollo's plan format: a `Sequence` runs its nodes
one after the other, a `Parallel` at the same time. The *graph* is finer: a `Fetch` names in `depends_on` the fetches
whose fields it needs or that must run earlier (mutation fields). An executor may start a fetch as soon as their results
are merged, and ignore `Sequence` and `Parallel`. `Condition` nodes are valid in both. A `BatchFetch` is a
`Parallel` of entity fetches that are sent in one request: the request starts when all of these fetches could start.

A `Flatten` path leads from the root of the response to the objects whose fields are fetched: `Key` is a response key,
`Each` is every item of a list (one `Each` for each list level), `TypeIs` selects the objects of some concrete types. A
rewrite path starts at a representation (input), at an entity (output) or at the root object (output of a root fetch),
and has no steps for lists.
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
    """Every item of a list. A path into a list of lists has two of these steps."""


@dataclass(frozen=True, slots=True)
class TypeIs:
    """Only objects whose `__typename` is one of these concrete types (in a rewrite path: exactly one type)."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent object. Only context rewrites have this step."""


PathStep: TypeAlias = Key | Each | TypeIs | Parent
Path: TypeAlias = tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class InputField:
    """One key of a representation. Its value is read from the response under the response key `name`."""

    name: str
    selections: tuple[InputSelection, ...] = ()


@dataclass(frozen=True, slots=True)
class InputFragment:
    """Keys of the representation of an object of type `type_condition` or of a subtype.

    `conditions` are alternatives: each has Boolean variables with the values that they must have. If no alternative is
    true, the fetch selects no field that needs these keys, and the response may lack them. Without conditions, the keys
    are always needed. Apollo's format has no conditions: its executors leave out objects that lack a key.
    """

    type_condition: str
    selections: tuple[InputSelection, ...]
    conditions: tuple[tuple[tuple[str, bool], ...], ...] = ()


InputSelection: TypeAlias = InputField | InputFragment


@dataclass(frozen=True, slots=True)
class OutputField:
    """A field that a fetch selects: `key` is its response key, `selections` are empty for a leaf.

    The field is selected if all `conditions` are true: Boolean variables with the values that they must have. The
    conditions of a parent selection are not repeated.
    """

    key: str
    name: str
    selections: tuple[OutputSelection, ...] = ()
    conditions: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFragment:
    """Fields that a fetch selects on objects of a type or of a subtype. `conditions` are as in `OutputField`."""

    type_condition: str
    selections: tuple[OutputSelection, ...]
    conditions: tuple[tuple[str, bool], ...] = ()


OutputSelection: TypeAlias = OutputField | OutputFragment


@dataclass(frozen=True, slots=True)
class ValueSetter:
    """Sets the value at `path` in each object that has the path."""

    path: Path
    value: str


@dataclass(frozen=True, slots=True)
class KeyRenamer:
    """Renames the last key of `path` to `name` in each object that has the path."""

    path: Path
    name: str


Rewrite: TypeAlias = ValueSetter | KeyRenamer


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    Attributes:
        id: unique in the plan, in order of appearance from 0.
        depends_on: ids of the fetches that must be merged or skipped before this fetch starts. A fetch that one of
            these already depends on can be left out.
        operation: GraphQL text without insignificant characters. An entity fetch has a variable for its
            representations, and `_entities` as its only root field.
        selections: what `operation` selects on the root, or on the entities of an entity fetch, as data, so that nobody
            has to parse the text. Arguments are only in the text.
        operation_name: the name of the operation, None if the client's operation has no name.
        variable_usages: names of the client's variables that the operation uses, sorted.
        requires: the selections for the representation of an object, empty for a root fetch. A representation has the
            keys of all alternatives whose conditions are true and whose type condition matches the object.
        input_rewrites: applied to each representation, in order.
        output_rewrites: applied to each entity (or to the data of a root fetch) before it is merged, in order.
        representations: the variable with the representations; no variable of the client has this name.
        context_rewrites: for arguments whose values are read from an ancestor object. The path starts at the object
            whose fields are fetched, with `Parent` steps; its value is sent as the variable `name`.
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
    """Runs `if_clause` if the coerced Boolean variable is true, otherwise `else_clause`."""

    variable: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One entity fetch of a batch.

    Attributes:
        alias: the response key of the `_entities` field of the part.
        representations: the variable with the representations of the part.
        selection_set: the text of what is selected on the entities, without insignificant characters.
        node: the fetch as a plan node: a `Flatten`, inside the conditions under which the part is sent.
    """

    alias: str
    representations: str
    selection_set: str
    node: Flatten | Condition

    @property
    def fetch(self) -> Fetch:
        """Return the fetch in `node`."""
        (fetch,) = iter_fetches(self.node)
        return fetch


@dataclass(frozen=True, slots=True)
class BatchFetch:
    """Entity fetches of one subgraph in one request, with an aliased `_entities` field for each fetch.

    Attributes:
        definitions: the name and the definition text of each client variable that the parts use.
    """

    service_name: str
    parts: tuple[BatchPart, ...]
    definitions: tuple[tuple[str, str], ...] = ()
    operation_name: str | None = None

    def variable_usages(self, parts: Iterable[BatchPart]) -> tuple[str, ...]:
        """Return the client's variables that `parts` use, sorted."""
        return tuple(sorted({name for part in parts for name in part.fetch.variable_usages}))

    def operation(self, parts: Seq[BatchPart]) -> str:
        """Return the operation for `parts`: the parts of this batch for which there are objects."""
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
    """The initial response. `subselection` is what the client selects in this response, None if nothing."""

    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class DeferDependency:
    """A fetch that a deferred part waits for."""

    fetch_id: int
    defer_label: str | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """A deferred part: `subselection` is what the client selects below `query_path`, None if `node` is a `Defer`."""

    depends: tuple[DeferDependency, ...]
    label: str | None
    query_path: tuple[str, ...]
    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class Defer:
    """A response in parts: the initial response, and deferred parts that are delivered later."""

    primary: DeferPrimary
    deferred: tuple[DeferredPart, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription: `primary` opens the stream, `rest` runs for every event."""

    primary: Fetch
    rest: PlanNode | None = None


PlanNode: TypeAlias = Sequence | Parallel | Fetch | BatchFetch | Flatten | Condition | Defer | Subscription


def iter_fetches(node: PlanNode | None) -> Iterator[Fetch]:
    """Yield every fetch of a plan, in order of appearance. A batch has one fetch for each part."""
    for request in iter_requests(node):
        if isinstance(request, Fetch):
            yield request
        else:
            for part in request.parts:
                yield from iter_fetches(part.node)


def awaited_fetches(node: PlanNode | None) -> frozenset[int]:
    """Return the ids of the fetches that deferred parts wait for."""
    match node:
        case Condition(if_clause=if_clause, else_clause=else_clause):
            return awaited_fetches(if_clause) | awaited_fetches(else_clause)
        case Defer(deferred=deferred):
            own = frozenset(dependency.fetch_id for part in deferred for dependency in part.depends)
            return own.union(*(awaited_fetches(part.node) for part in deferred))
        case _:
            return frozenset()


def iter_requests(node: PlanNode | None) -> Iterator[Fetch | BatchFetch]:
    """Yield every request of a plan, in order of appearance. A batch is one request."""
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
