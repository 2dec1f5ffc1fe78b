"""The query plan: frozen data, the only thing planner and executor share.

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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Sequence as Seq

    from graphql import SelectionNode, SelectionSetNode

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
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
    """Keys that go into the representation when the object is of this type (or of a subtype of it)."""

    type_condition: str
    selections: tuple[InputSelection, ...]


InputSelection: TypeAlias = InputField | InputFragment


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
        operation_name: set only when the client's operation has a name.
        variable_usages: names of client variables the operation uses, sorted.
        requires: how to build one representation per object, empty for a root fetch. The alternatives are tried on
            every object; those whose type condition matches are merged.
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


@dataclass(frozen=True, slots=True)
class Sequence:
    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
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
        selections: minified, what is asked of its entities.
        node: the fetch on its own: a `Flatten`, inside the conditions under which the part takes part.
    """

    alias: str
    representations: str
    selections: str
    node: Flatten | Condition

    @property
    def fetch(self) -> Fetch:
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
        """The request for some of the parts: those with objects to be asked for."""
        used = set(self.variable_usages(parts))
        variables = [f"${part.representations}:[_Any!]!" for part in parts]
        variables += [text for name, text in self.definitions if name in used]
        head = "query" if self.operation_name is None else f"query {self.operation_name}"
        fields = [f"{part.alias}:_entities(representations:${part.representations}){part.selections}" for part in parts]
        return f"{head}({','.join(variables)}){{{''.join(fields)}}}"


@dataclass(frozen=True, slots=True)
class DeferPrimary:
    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class DeferDependency:
    fetch_id: int
    defer_label: str | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """What is delivered later: `subselection` is what the client asked for below `query_path`."""

    depends: tuple[DeferDependency, ...]
    label: str | None
    query_path: tuple[str, ...]
    subselection: str | None
    node: PlanNode | None


@dataclass(frozen=True, slots=True)
class Defer:
    primary: DeferPrimary
    deferred: tuple[DeferredPart, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`primary` opens the stream; `rest` runs for every event."""

    primary: Fetch
    rest: PlanNode | None = None


PlanNode: TypeAlias = Sequence | Parallel | Fetch | BatchFetch | Flatten | Condition | Defer | Subscription


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan. `node` is None when nothing has to be fetched (introspection, a root `__typename`).

    `hints` say what the planner wants known about how it came to the plan, such as a work limit it met; they are not
    part of Apollo's format.
    """

    node: PlanNode | None
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The plan in Apollo's JSON format; `BatchFetch`, which Apollo has not, holds Apollo's nodes of its parts."""
        return _drop_absent({"kind": "QueryPlan", "node": None if self.node is None else _node_json(self.node)})

    def to_text(self) -> str:
        """The plan in Apollo's text format."""
        return "\n".join(_braced("QueryPlan", [] if self.node is None else _node_text(self.node)))

    def fetches(self) -> Iterator[Fetch]:
        """Every fetch, in order of appearance in the tree."""
        return iter_fetches(self.node)

    def requests(self) -> Iterator[Fetch | BatchFetch]:
        """What is sent, in order of appearance in the tree."""
        return _iter_requests(self.node)


def iter_fetches(node: PlanNode | None) -> Iterator[Fetch]:
    for request in _iter_requests(node):
        if isinstance(request, Fetch):
            yield request
        else:
            for part in request.parts:
                yield from iter_fetches(part.node)


def _iter_requests(node: PlanNode | None) -> Iterator[Fetch | BatchFetch]:
    match node:
        case None:
            return
        case Fetch() | BatchFetch():
            yield node
        case Flatten(node=inner):
            yield inner
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for child in nodes:
                yield from _iter_requests(child)
        case Condition(if_clause=if_clause, else_clause=else_clause):
            yield from _iter_requests(if_clause)
            yield from _iter_requests(else_clause)
        case Defer(primary=primary, deferred=deferred):
            yield from _iter_requests(primary.node)
            for part in deferred:
                yield from _iter_requests(part.node)
        case Subscription(primary=fetch, rest=rest):
            yield fetch
            yield from _iter_requests(rest)


def flatten_path_json(path: Path) -> list[Json]:
    """Apollo's spelling of a flatten path: a type condition is a suffix of the step before it."""
    spelled: list[str] = []
    for step in path:
        match step:
            case Key(name=name):
                spelled.append(name)
            case Each():
                spelled.append("@")
            case TypeIs(types=types):
                condition = f"|[{','.join(types)}]"
                spelled[-1:] = [(spelled[-1] if spelled else "") + condition]
            case Parent():
                spelled.append("..")
    return list(spelled)


def _rewrite_path_json(path: Path) -> list[Json]:
    spelled: list[Json] = []
    for step in path:
        match step:
            case Key(name=name):
                spelled.append(name)
            case Each():
                spelled.append("@")
            case TypeIs(types=types):
                spelled.append(f"... on {'|'.join(types)}")
            case Parent():
                spelled.append("..")
    return spelled


def _rewrite_json(rewrite: Rewrite) -> Json:
    path = _rewrite_path_json(rewrite.path)
    match rewrite:
        case ValueSetter(value=value):
            return {"kind": "ValueSetter", "path": path, "setValueTo": value}
        case KeyRenamer(name=name):
            return {"kind": "KeyRenamer", "path": path, "renameKeyTo": name}


def _input_json(selection: InputSelection) -> Json:
    children: list[Json] = [_input_json(child) for child in selection.selections]
    match selection:
        case InputField(name=name):
            return {"kind": "Field", "name": name, **({"selections": children} if children else {})}
        case InputFragment(type_condition=condition):
            return {"kind": "InlineFragment", "typeCondition": condition, "selections": children}


def _drop_absent(entries: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in entries.items() if value is not None}


def _optional_node(node: PlanNode | None) -> Json:
    return None if node is None else _node_json(node)


def _fetch_json(fetch: Fetch) -> dict[str, Json]:
    entries: dict[str, Json] = {
        "kind": "Fetch",
        "serviceName": fetch.service_name,
        "id": str(fetch.id),
        "requires": [_input_json(selection) for selection in fetch.requires] or None,
        "variableUsages": list(fetch.variable_usages),
        "operation": fetch.operation,
        "operationName": fetch.operation_name,
        "operationKind": fetch.operation_kind,
        "hasDefers": fetch.has_defers or None,
        "inputRewrites": [_rewrite_json(rewrite) for rewrite in fetch.input_rewrites] or None,
        "outputRewrites": [_rewrite_json(rewrite) for rewrite in fetch.output_rewrites] or None,
        "contextRewrites": [_rewrite_json(rewrite) for rewrite in fetch.context_rewrites] or None,
    }
    return _drop_absent(entries)


def _batch_json(batch: BatchFetch) -> dict[str, Json]:
    return _drop_absent(
        {
            "kind": "BatchFetch",
            "serviceName": batch.service_name,
            "variableUsages": list(batch.variable_usages(batch.parts)),
            "operation": batch.operation(batch.parts),
            "operationName": batch.operation_name,
            "operationKind": "query",
            "parts": [
                {"alias": part.alias, "representations": part.representations, "node": _node_json(part.node)}
                for part in batch.parts
            ],
        },
    )


def _defer_json(defer: Defer) -> dict[str, Json]:
    primary = _drop_absent(
        {"subselection": defer.primary.subselection, "node": _optional_node(defer.primary.node)},
    )
    deferred: list[Json] = [
        _drop_absent(
            {
                "depends": [
                    _drop_absent({"id": str(dependency.fetch_id), "deferLabel": dependency.defer_label})
                    for dependency in part.depends
                ],
                "label": part.label,
                "queryPath": list(part.query_path),
                "subselection": part.subselection,
                "node": _optional_node(part.node),
            },
        )
        for part in defer.deferred
    ]
    return {"kind": "Defer", "primary": primary, "deferred": deferred}


def _node_json(node: PlanNode) -> dict[str, Json]:  # noqa: PLR0911 - one per kind of node
    match node:
        case Fetch():
            return _fetch_json(node)
        case BatchFetch():
            return _batch_json(node)
        case Flatten(path=path, node=inner):
            return {"kind": "Flatten", "path": flatten_path_json(path), "node": _node_json(inner)}
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return {"kind": type(node).__name__, "nodes": [_node_json(child) for child in nodes]}
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            return _drop_absent(
                {
                    "kind": "Condition",
                    "condition": variable,
                    "ifClause": _optional_node(if_clause),
                    "elseClause": _optional_node(else_clause),
                },
            )
        case Defer():
            return _defer_json(node)
        case Subscription(primary=primary, rest=rest):
            return _drop_absent(
                {"kind": "Subscription", "primary": _fetch_json(primary), "rest": _optional_node(rest)},
            )


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def _braced(head: str, body: Seq[str], tail: str = "") -> list[str]:
    return [f"{head} {{".lstrip(), *_indented(body), f"}}{tail}"]


def _selection_lines(selections: Iterable[SelectionNode]) -> list[str]:
    return [line for selection in selections for line in print_ast(selection).split("\n")]


def _input_lines(selections: Iterable[InputSelection]) -> list[str]:
    lines: list[str] = []
    for selection in selections:
        head = selection.name if isinstance(selection, InputField) else f"... on {selection.type_condition}"
        lines += _braced(head, _input_lines(selection.selections)) if selection.selections else [head]
    return lines


def _operation_selections(fetch: Fetch) -> SelectionSetNode:
    operation = parse(fetch.operation, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner prints operations only
    if fetch.requires:
        entities = operation.selection_set.selections[0]
        if isinstance(entities, FieldNode) and entities.selection_set is not None:
            return entities.selection_set
    return operation.selection_set


def _fetch_text(fetch: Fetch) -> list[str]:
    body: list[str] = []
    if fetch.requires:
        body += _braced("", _input_lines(fetch.requires), " =>")
    body += _braced("", _selection_lines(_operation_selections(fetch).selections))
    return _braced(f'Fetch(service: "{fetch.service_name}")', body)


def _batch_text(batch: BatchFetch) -> list[str]:
    body: list[str] = []
    for part in batch.parts:
        first, *rest = _comma(_node_text(part.node))
        body += [f"{part.alias}: {first}", *rest]
    return _braced(f'BatchFetch(service: "{batch.service_name}")', body)


def _subselection_lines(subselection: str | None) -> list[str]:
    if subselection is None:
        return []
    operation = parse(subselection, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner prints selections only
    return [*_braced("", _selection_lines(operation.selection_set.selections), ":")]


def _part_text(head: str, subselection: str | None, node: PlanNode | None) -> list[str]:
    body = _subselection_lines(subselection) + ([] if node is None else _node_text(node))
    return _braced(head, body, ",")


def _deferred_text(part: DeferredPart) -> list[str]:
    depends = ", ".join(str(dependency.fetch_id) for dependency in part.depends)
    label = "" if part.label is None else f', label: "{part.label}"'
    head = f'Deferred(depends: [{depends}], path: "{".".join(part.query_path)}"{label})'
    return _part_text(head, part.subselection, part.node)


def _defer_text(defer: Defer) -> list[str]:
    deferred = [line for part in defer.deferred for line in _deferred_text(part)]
    primary = _part_text("Primary", defer.primary.subselection, defer.primary.node)
    return _braced("Defer", [*primary, "[", *_indented(deferred), "]"])


def _condition_text(node: Condition) -> list[str]:
    if node.if_clause is not None and node.else_clause is not None:
        branches = [*_part_text("if", None, node.if_clause), *_part_text("else", None, node.else_clause)]
        return _braced(f"Condition(if: ${node.variable})", branches)
    if node.if_clause is not None:
        return _braced(f"Include(if: ${node.variable})", _node_text(node.if_clause))
    body = [] if node.else_clause is None else _node_text(node.else_clause)
    return _braced(f"Skip(if: ${node.variable})", body)


def _node_text(node: PlanNode) -> list[str]:  # noqa: PLR0911 - one per kind of node
    match node:
        case Fetch():
            return _fetch_text(node)
        case BatchFetch():
            return _batch_text(node)
        case Flatten(path=path, node=inner):
            spelled = ".".join(str(step) for step in flatten_path_json(path))
            return _braced(f'Flatten(path: "{spelled}")', _comma(_node_text(inner)))
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return _braced(type(node).__name__, [line for child in nodes for line in _comma(_node_text(child))])
        case Condition():
            return _condition_text(node)
        case Defer():
            return _defer_text(node)
        case Subscription(primary=primary, rest=rest):
            body = _part_text("Primary:", None, primary)
            return _braced("Subscription", body if rest is None else [*body, *_part_text("Rest:", None, rest)])


def _comma(lines: Seq[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]},"]
