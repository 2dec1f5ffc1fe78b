"""Plans as text, in Apollo's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

from router.plan.json_format import flatten_path_json
from router.plan.nodes import BatchFetch, Condition, Defer, Fetch, Flatten, InputField, Parallel, Sequence, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence as Seq

    from graphql import SelectionNode, SelectionSetNode

    from router.plan.nodes import DeferredPart, InputSelection, PlanNode


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def braced(head: str, body: Seq[str], tail: str = "") -> list[str]:
    return [f"{head} {{".lstrip(), *_indented(body), f"}}{tail}"]


def _selection_lines(selections: Iterable[SelectionNode]) -> list[str]:
    return [line for selection in selections for line in print_ast(selection).split("\n")]


def _input_lines(selections: Iterable[InputSelection]) -> list[str]:
    lines: list[str] = []
    for selection in selections:
        head = selection.name if isinstance(selection, InputField) else f"... on {selection.type_condition}"
        lines += braced(head, _input_lines(selection.selections)) if selection.selections else [head]
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
        body += braced("", _input_lines(fetch.requires), " =>")
    body += braced("", _selection_lines(_operation_selections(fetch).selections))
    return braced(f'Fetch(service: "{fetch.service_name}")', body)


def _batch_text(batch: BatchFetch) -> list[str]:
    body: list[str] = []
    for part in batch.parts:
        first, *rest = _comma(node_text(part.node))
        body += [f"{part.alias}: {first}", *rest]
    return braced(f'BatchFetch(service: "{batch.service_name}")', body)


def _subselection_lines(subselection: str | None) -> list[str]:
    if subselection is None:
        return []
    operation = parse(subselection, no_location=True).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - the planner prints selections only
    return [*braced("", _selection_lines(operation.selection_set.selections), ":")]


def _part_text(head: str, subselection: str | None, node: PlanNode | None) -> list[str]:
    body = _subselection_lines(subselection) + ([] if node is None else node_text(node))
    return braced(head, body, ",")


def _deferred_text(part: DeferredPart) -> list[str]:
    depends = ", ".join(str(dependency.fetch_id) for dependency in part.depends)
    label = "" if part.label is None else f', label: "{part.label}"'
    head = f'Deferred(depends: [{depends}], path: "{".".join(part.query_path)}"{label})'
    return _part_text(head, part.subselection, part.node)


def _defer_text(defer: Defer) -> list[str]:
    deferred = [line for part in defer.deferred for line in _deferred_text(part)]
    primary = _part_text("Primary", defer.primary.subselection, defer.primary.node)
    return braced("Defer", [*primary, "[", *_indented(deferred), "]"])


def _condition_text(node: Condition) -> list[str]:
    if node.if_clause is not None and node.else_clause is not None:
        branches = [*_part_text("if", None, node.if_clause), *_part_text("else", None, node.else_clause)]
        return braced(f"Condition(if: ${node.variable})", branches)
    if node.if_clause is not None:
        return braced(f"Include(if: ${node.variable})", node_text(node.if_clause))
    body = [] if node.else_clause is None else node_text(node.else_clause)
    return braced(f"Skip(if: ${node.variable})", body)


def node_text(node: PlanNode) -> list[str]:  # noqa: PLR0911 - one per kind of node
    match node:
        case Fetch():
            return _fetch_text(node)
        case BatchFetch():
            return _batch_text(node)
        case Flatten(path=path, node=inner):
            spelled = ".".join(str(step) for step in flatten_path_json(path))
            return braced(f'Flatten(path: "{spelled}")', _comma(node_text(inner)))
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return braced(type(node).__name__, [line for child in nodes for line in _comma(node_text(child))])
        case Condition():
            return _condition_text(node)
        case Defer():
            return _defer_text(node)
        case Subscription(primary=primary, rest=rest):
            body = _part_text("Primary:", None, primary)
            return braced("Subscription", body if rest is None else [*body, *_part_text("Rest:", None, rest)])


def _comma(lines: Seq[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]},"]
