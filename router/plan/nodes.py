"""The nodes of a query plan (planning §8.1).

A plan is a tree of nodes. The leaves of the tree are fetches. Nodes are never changed.

    Sequence[ Fetch#0 auth,
              Flatten(me.accounts.@, Fetch#1 account  <- {__typename id}) ]

An executor can execute a plan in two ways, with the same result:

- As a tree, in Apollo's plan format: the nodes of a `Sequence` run one after the other, and the nodes of a `Parallel`
  run at the same time.
- As a graph: `depends_on` of a `Fetch` names other fetches. They provide fields that the `Fetch` needs, or run earlier
  mutation fields. The executor starts the `Fetch` as soon as the results of all fetches in `depends_on` are merged. It
  ignores `Sequence` and `Parallel`. Some fetches start earlier than in the tree.

Both ways evaluate `Condition` nodes. A `BatchFetch` is like a `Parallel` of entity fetches that are sent in one
request. The request starts when all fetches of the batch could start.

The path of a `Flatten` leads from the root of the response to the objects whose fields are fetched. A `Key` is a
response key, an `Each` is every item of a list (one `Each` for each list level), and a `TypeIs` selects the objects of
some concrete types. The path of a rewrite has no steps for lists. It starts at a representation (`input_rewrites`), or
at an entity or the root object (`output_rewrites`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Sequence as Seq

    from graphql import ArgumentNode, DirectiveNode

OperationKind: TypeAlias = Literal["query", "mutation", "subscription"]


class Key(msgspec.Struct, frozen=True):
    """A step of a path: from an object to the value under a response key."""

    name: str


class Each(msgspec.Struct, frozen=True):
    """A step of a path: from a list to every item. A path into a list of lists has two `Each` steps."""


class TypeIs(msgspec.Struct, frozen=True):
    """A step of a path: it keeps only objects whose concrete type is in `types`.

    In the path of a rewrite, `types` has exactly one type.
    """

    types: tuple[str, ...]


class Parent(msgspec.Struct, frozen=True):
    """A step of a path: from an object to its parent object. Only `context_rewrites` have this step."""


PathStep: TypeAlias = Key | Each | TypeIs | Parent
Path: TypeAlias = tuple[PathStep, ...]


class InputField(msgspec.Struct, frozen=True):
    """One key of a representation. The value is read from the response under the response key `name`."""

    name: str
    selections: tuple[InputSelection, ...] = ()


class InputFragment(msgspec.Struct, frozen=True):
    """The keys in the representation of an object whose type is `type_condition` or a subtype.

    The keys are needed if `conditions` is empty, or if at least one entry of `conditions` is true. An entry has Boolean
    variables with their required values, and is true if all variables have these values. If no entry is true, the fetch
    selects no field that needs these keys, and the response may lack the keys. Apollo's format has no `conditions`.
    Instead, Apollo's executors send no representation for an object that lacks a key.
    """

    type_condition: str
    selections: tuple[InputSelection, ...]
    conditions: tuple[tuple[tuple[str, bool], ...], ...] = ()


InputSelection: TypeAlias = InputField | InputFragment


class OutputField(NamedTuple):
    """A field that a fetch selects. `key` is the response key. `selections` is empty for a leaf field.

    `conditions` has the variables of `@skip` and `@include` with their required values, in the order of the directives.
    The field is selected if all variables have these values. The conditions of a parent selection are not repeated.
    `directives` has the client's other directives. The syntax nodes in `arguments` and `directives` have no locations.
    """

    key: str
    name: str
    selections: tuple[OutputSelection, ...] = ()
    conditions: tuple[tuple[str, bool], ...] = ()
    arguments: tuple[ArgumentNode, ...] = ()
    directives: tuple[DirectiveNode, ...] = ()


class OutputFragment(msgspec.Struct, frozen=True):
    """A fragment that a fetch selects on objects of `type_condition` or a subtype, if all `conditions` are true.

    If `type_condition` is None, the selections apply to objects of all types. `directives` has the client's directives.
    """

    type_condition: str | None
    selections: tuple[OutputSelection, ...]
    conditions: tuple[tuple[str, bool], ...] = ()
    directives: tuple[DirectiveNode, ...] = ()


OutputSelection: TypeAlias = OutputField | OutputFragment


class ValueSetter(msgspec.Struct, frozen=True):
    """A rewrite that sets the value at `path`. An object without this path stays as it is."""

    path: Path
    value: str


class KeyRenamer(msgspec.Struct, frozen=True):
    """A rewrite that renames the last key of `path` to `name`. An object without this path stays as it is."""

    path: Path
    name: str


Rewrite: TypeAlias = ValueSetter | KeyRenamer


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    Attributes:
        id: the number of the fetch in the plan. Fetches are numbered from 0, in order of appearance.
        depends_on: ids of the fetches that must be merged or skipped before this fetch starts. An indirect dependency
            can be left out: if 2 depends on 1, and 1 on 0, then 0 need not be in `depends_on` of 2.
        operation: GraphQL text without insignificant characters. An entity fetch has a variable for its
            representations, and `_entities` as its only root field.
        selections: what `operation` selects on the root object or on the entities, as data. Users of the plan therefore
            need not parse the text of `operation`.
        operation_name: the name of `operation`, None if the client's operation has no name.
        variable_usages: names of the client's variables that the operation uses, sorted.
        requires: what is read from the response for the representation of an object. Empty for a root fetch. The
            representation has the keys of each `InputFragment` that matches the type and the `conditions`.
        input_rewrites: the rewrites to apply to each representation, in this order.
        output_rewrites: the rewrites to apply to each entity, or to the root object of a root fetch, in this order.
            They are applied before the result of the fetch is merged.
        representations: the name of the variable with the representations. No variable of the client has this name.
        context_rewrites: where the values of `@fromContext` arguments are read. A path starts at the object whose
            fields are fetched, and leads up to an ancestor by `Parent` steps. `name` of a rewrite is the variable for
            the value.
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


class Sequence(msgspec.Struct, frozen=True):
    """A node whose child nodes run one after the other."""

    nodes: tuple[PlanNode, ...]


class Parallel(msgspec.Struct, frozen=True):
    """A node whose child nodes run at the same time."""

    nodes: tuple[PlanNode, ...]


class Flatten(msgspec.Struct, frozen=True):
    """A node that runs `node` for the objects at `path`. The path starts at the root of the response."""

    path: Path
    node: Fetch


class Condition(msgspec.Struct, frozen=True):
    """A node that runs `if_clause` if the Boolean variable (after coercion) is true, and otherwise `else_clause`."""

    variable: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None


class BatchPart(msgspec.Struct, frozen=True):
    """One entity fetch of a batch.

    Attributes:
        alias: the response key of the `_entities` field for this entity fetch.
        representations: the name of the variable with the representations for this entity fetch.
        selection_set: the text of the selections on the entities, without insignificant characters.
        fragments: the text of the named fragments that `selection_set` uses.
        node: the entity fetch as a plan node: a `Flatten`, or a `Condition` around it.
    """

    alias: str
    representations: str
    selection_set: str
    node: Flatten | Condition
    fragments: str = ""

    @property
    def fetch(self) -> Fetch:
        """Return the fetch in `node`."""
        (fetch,) = iter_fetches(self.node)
        return fetch


class BatchFetch(msgspec.Struct, frozen=True):
    """Entity fetches from one subgraph that are sent in one request. Each has its own alias of `_entities`.

    Attributes:
        definitions: each variable of the client that some part uses, with the text of the variable's definition.
        directives: the text of the directives of the operation.
    """

    service_name: str
    parts: tuple[BatchPart, ...]
    definitions: tuple[tuple[str, str], ...] = ()
    operation_name: str | None = None
    directives: str = ""

    def variable_usages(self, parts: Iterable[BatchPart]) -> tuple[str, ...]:
        """Return the names of the client's variables that some of `parts` use, sorted."""
        return tuple(sorted({name for part in parts for name in part.fetch.variable_usages}))

    def operation(self, parts: Seq[BatchPart]) -> str:
        """Return the text of the operation for `parts`: the parts of this batch that have objects to fetch."""
        used = set(self.variable_usages(parts))
        variables = [f"${part.representations}:[_Any!]!" for part in parts]
        variables += [text for name, text in self.definitions if name in used]
        head = "query" if self.operation_name is None else f"query {self.operation_name}"
        fields = [
            f"{part.alias}:_entities(representations:${part.representations}){part.selection_set}" for part in parts
        ]
        fragments = "".join([part.fragments for part in parts])
        return f"{head}({','.join(variables)}){self.directives}{{{''.join(fields)}}}{fragments}"


@dataclass(frozen=True, slots=True)
class DeferPrimary:
    """The initial response.

    Attributes:
        subselection: the text of the client's selections in this response, None if there are none.
        node: the fetches for this response, None if there are none.
        selections: the selections in `subselection`, as data.
    """

    subselection: str | None
    node: PlanNode | None
    selections: tuple[OutputSelection, ...] = field(default=(), compare=False)


class DeferDependency(msgspec.Struct, frozen=True):
    """A fetch that a deferred part waits for."""

    fetch_id: int
    defer_label: str | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """A deferred part of the response.

    `subselection` has the text of the client's selections at `query_path`, and `selections` has the same selections as
    data. If the part itself contains deferred parts, `node` is a `Defer` with these selections, and `subselection` is
    None.
    """

    depends: tuple[DeferDependency, ...]
    label: str | None
    query_path: tuple[str, ...]
    subselection: str | None
    node: PlanNode | None
    selections: tuple[OutputSelection, ...] = field(default=(), compare=False)


class Defer(msgspec.Struct, frozen=True):
    """A node for a response in parts: the initial response, and deferred parts, which are delivered later."""

    primary: DeferPrimary
    deferred: tuple[DeferredPart, ...]


class Subscription(msgspec.Struct, frozen=True):
    """The node of a subscription. `primary` opens the stream of events, `rest` runs for every event."""

    primary: Fetch
    rest: PlanNode | None = None


PlanNode: TypeAlias = Sequence | Parallel | Fetch | BatchFetch | Flatten | Condition | Defer | Subscription


def iter_fetches(node: PlanNode | None) -> Iterator[Fetch]:
    """Yield every fetch of a plan, in order of appearance. Every part of a `BatchFetch` is one fetch."""
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
    """Yield every request of a plan, in order of appearance. A `BatchFetch` is one request."""
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
