"""Judges plans without knowing how they were made.

A plan is valid when every fetch is a legal operation of its subgraph, every value a representation is built from was
fetched by a fetch it waits for, the tree runs no fetch before those it waits for, and everything the client asked for
is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
    validate,
)

from router.plan import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    InputField,
    Key,
    KeyRenamer,
    Parallel,
    Sequence,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from graphql import DocumentNode, SelectionSetNode

    from router.plan import InputSelection, Path, PlanNode, QueryPlan
    from router.supergraph.model import Supergraph

Keys = tuple[str, ...]


def problems(supergraph: Supergraph, query: str, plan: QueryPlan, dropped: Container[Keys] = frozenset()) -> list[str]:
    """What is wrong with a plan, nothing if it is valid.

    `dropped` are paths below types that not every subgraph the object may come from knows: they are not fetched.
    """
    placed = list(_placed(plan.node))
    found = [
        f"fetch {fetch.id} is illegal on {fetch.service_name}: {error.message}\n{fetch.operation}"
        for fetch, _ in placed
        for error in validate(supergraph.subgraphs[fetch.service_name].schema, parse(fetch.operation))
    ]
    if len({fetch.id for fetch, _ in placed}) < len(placed):
        found.append("two fetches have one id")
    found += [
        f"a batch is illegal on {request.service_name}: {error.message}\n{request.operation(request.parts)}"
        for request in plan.requests()
        if isinstance(request, BatchFetch)
        for error in validate(
            supergraph.subgraphs[request.service_name].schema, parse(request.operation(request.parts))
        )
    ]
    found += _order_problems(plan.node)
    produced = {fetch.id: set(_produced(fetch, path)) for fetch, path in placed}
    above = _ancestors([fetch for fetch, _ in placed])
    for fetch, path in placed:
        available = set().union(*(produced[number] for number in above[fetch.id]))
        found += [
            f"fetch {fetch.id} reads {'.'.join(wanted)} before it is there"
            for wanted in _read(fetch.requires, _keys(path))
            if wanted not in available
        ]
    everything = set().union(*produced.values())
    wanted_keys = [keys for keys in _asked(parse(query)) if keys not in dropped]
    return found + [f"nobody fetches {'.'.join(keys)}" for keys in wanted_keys if keys not in everything]


def depth(plan: QueryPlan) -> int:
    """The longest chain of fetches that wait for each other."""
    chain: dict[int, int] = {}
    for fetch in plan.fetches():
        chain[fetch.id] = 1 + max((chain[number] for number in fetch.depends_on), default=0)
    return max(chain.values(), default=0)


def _placed(node: PlanNode | None) -> Iterator[tuple[Fetch, Path]]:  # noqa: C901 - one case per kind of node
    match node:
        case Fetch():
            yield node, ()
        case Flatten():
            yield node.node, node.path
        case Sequence() | Parallel():
            for child in node.nodes:
                yield from _placed(child)
        case BatchFetch():
            for member in node.parts:
                yield from _placed(member.node)
        case Condition():
            yield from _placed(node.if_clause)
            yield from _placed(node.else_clause)
        case Subscription():
            yield node.primary, ()
            yield from _placed(node.rest)
        case Defer():
            yield from _placed(node.primary.node)
            for part in node.deferred:
                yield from _placed(part.node)
        case None:
            return


def _order_problems(root: PlanNode | None) -> list[str]:  # noqa: C901 - one case per kind of node
    """Fetches that the tree may start before a fetch they wait for has ended."""
    found: list[str] = []

    def run(node: PlanNode | None, done: frozenset[int]) -> frozenset[int]:  # noqa: C901, PLR0911 - one per kind of node
        match node:
            case Fetch():
                missing = set(node.depends_on) - done
                found.extend(f"fetch {node.id} may run before fetch {number}" for number in sorted(missing))
                return done | {node.id}
            case Flatten():
                return run(node.node, done)
            case Sequence():
                for child in node.nodes:
                    done = run(child, done)
                return done
            case BatchFetch():
                return done.union(*(run(member.node, done) for member in node.parts))
            case Parallel():
                return done.union(*(run(child, done) for child in node.nodes))
            case Condition():
                return run(node.if_clause, done) | run(node.else_clause, done)
            case Subscription():
                return run(node.rest, run(node.primary, done))
            case Defer():
                done = run(node.primary.node, done)
                return done.union(*(run(part.node, done) for part in node.deferred))
            case None:
                return done

    run(root, frozenset())
    return found


def _ancestors(fetches: Iterable[Fetch]) -> dict[int, set[int]]:
    above: dict[int, set[int]] = {}
    for fetch in fetches:
        above[fetch.id] = set(fetch.depends_on).union(*(above[number] for number in fetch.depends_on))
    return above


def _keys(path: Path) -> Keys:
    return tuple(step.name for step in path if isinstance(step, Key))


def _produced(fetch: Fetch, path: Path) -> Iterator[Keys]:
    operation, *others = parse(fetch.operation).definitions
    fragments = {one.name.value: one for one in others if isinstance(one, FragmentDefinitionNode)}
    assert isinstance(operation, OperationDefinitionNode)
    selection_set = operation.selection_set
    if fetch.requires:
        entities = selection_set.selections[0]
        assert isinstance(entities, FieldNode)
        assert entities.selection_set is not None
        selection_set = entities.selection_set
    renames = {
        _keys(rewrite.path): rewrite.name for rewrite in fetch.output_rewrites if isinstance(rewrite, KeyRenamer)
    }
    for keys in _selected(selection_set, fragments):
        renamed = tuple(renames.get(keys[: index + 1], key) for index, key in enumerate(keys))
        yield (*_keys(path), *renamed)


def _selected(selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[Keys]:
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                key = selection.alias.value if selection.alias else selection.name.value
                yield (key,)
                if selection.selection_set:
                    for below in _selected(selection.selection_set, fragments):
                        yield (key, *below)
            case InlineFragmentNode():
                yield from _selected(selection.selection_set, fragments)
            case FragmentSpreadNode():
                yield from _selected(fragments[selection.name.value].selection_set, fragments)


def _read(selections: Iterable[InputSelection], at: Keys) -> Iterator[Keys]:
    for selection in selections:
        if isinstance(selection, InputField):
            here = (*at, selection.name)
            yield here
            yield from _read(selection.selections, here)
        else:
            yield from _read(selection.selections, at)


def _asked(document: DocumentNode) -> list[Keys]:
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    operation = next(item for item in document.definitions if isinstance(item, OperationDefinitionNode))
    return [
        keys
        for keys in _selected(operation.selection_set, fragments)
        if keys != ("__typename",) and keys[0] != "__schema"
    ]
