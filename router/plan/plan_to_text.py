"""Writes plans as text in Apollo's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import print_ast

from router.plan.nodes import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    InputField,
    Parallel,
    Sequence,
    Subscription,
    awaited_fetches,
)
from router.plan.plan_to_json import flatten_path_json
from router.plan.selections_to_syntax_nodes import selection_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence as Seq

    from router.plan.nodes import (
        DeferDependency,
        DeferPrimary,
        DeferredPart,
        InputSelection,
        OutputSelection,
        PlanNode,
    )


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def _braced(head: str, body: Seq[str], tail: str = "") -> list[str]:
    return [f"{head} {{".lstrip(), *_indented(body), f"}}{tail}"]


def _selection_lines(selections: Iterable[OutputSelection]) -> list[str]:
    return [line for node in selection_nodes(selections) for line in print_ast(node).split("\n")]


def _input_lines(selections: Iterable[InputSelection]) -> list[str]:
    lines: list[str] = []
    for selection in selections:
        head = selection.name if isinstance(selection, InputField) else f"... on {selection.type_condition}"
        lines += _braced(head, _input_lines(selection.selections)) if selection.selections else [head]
    return lines


def _subselection_lines(part: DeferPrimary | DeferredPart) -> list[str]:
    return [] if part.subselection is None else _braced("", _selection_lines(part.selections), ":")


def plan_text(node: PlanNode | None) -> str:
    """Return the plan with the root node `node` in text format."""
    if node is None:
        return "QueryPlan {}"
    return "\n".join(_braced("QueryPlan", _comma(_Nodes(awaited_fetches(node)).node(node))))


class _Nodes(msgspec.Struct, frozen=True):
    """Writes nodes as lines of text. The `id` of a fetch is written only if a deferred part waits for the fetch."""

    awaited: frozenset[int]

    def optional(self, node: PlanNode | None) -> list[str]:
        """Return a node as lines of text. Without a node, return no lines."""
        return [] if node is None else self.node(node)

    def node(self, node: PlanNode) -> list[str]:  # noqa: PLR0911 - one per kind of node
        """Return a node as lines of text."""
        match node:
            case Fetch():
                return self._fetch(node)
            case BatchFetch():
                return self._batch(node)
            case Flatten(path=path, node=inner):
                spelled = ".".join(str(step) for step in flatten_path_json(path))
                return _braced(f'Flatten(path: "{spelled}")', _comma(self.node(inner)))
            case Sequence(nodes=nodes) | Parallel(nodes=nodes):
                return _braced(type(node).__name__, [line for child in nodes for line in _comma(self.node(child))])
            case Condition():
                return self._condition(node)
            case Defer():
                return self._defer(node)
            case Subscription(primary=primary, rest=rest):
                body = _braced("Primary:", self.node(primary), ",")
                return _braced("Subscription", body + ([] if rest is None else _braced("Rest:", self.node(rest))))

    def _fetch(self, fetch: Fetch) -> list[str]:
        body: list[str] = []
        if fetch.requires:
            body += _braced("", _input_lines(fetch.requires), " =>")
        body += _braced("", _selection_lines(fetch.selections))
        name = f", id: {fetch.id}" if fetch.id in self.awaited else ""
        return _braced(f'Fetch(service: "{fetch.service_name}"{name})', body)

    def _batch(self, batch: BatchFetch) -> list[str]:
        body: list[str] = []
        for part in batch.parts:
            first, *rest = _comma(self.node(part.node))
            body += [f"{part.alias}: {first}", *rest]
        return _braced(f'BatchFetch(service: "{batch.service_name}")', body)

    def _condition(self, node: Condition) -> list[str]:
        if node.if_clause is None:
            return _braced(f"Skip(if: ${node.variable})", self.optional(node.else_clause))
        if node.else_clause is None:
            return _braced(f"Include(if: ${node.variable})", self.node(node.if_clause))
        branches = [
            "Then {",
            *_indented(self.node(node.if_clause)),
            "} Else {",
            *_indented(self.node(node.else_clause)),
            "}",
        ]
        return _braced(f"Condition(if: ${node.variable})", branches)

    def _defer(self, defer: Defer) -> list[str]:
        primary = [*(_subselection_lines(defer.primary) or [":"]), *self.optional(defer.primary.node)]
        deferred = [line for part in defer.deferred for line in _comma(self._part(part))]
        return _braced("Defer", ["Primary {", *_indented(primary), "}, [", *_indented(deferred), "]"])

    def _part(self, part: DeferredPart) -> list[str]:
        depends = ", ".join(_dependency(dependency) for dependency in part.depends)
        label = "" if part.label is None else f', label: "{part.label}"'
        head = f'Deferred(depends: [{depends}], path: "{"/".join(part.query_path)}"{label})'
        return _braced(head, _subselection_lines(part) + self.optional(part.node))


def _dependency(dependency: DeferDependency) -> str:
    label = "" if dependency.defer_label is None else f':"{dependency.defer_label}"'
    return f"{dependency.fetch_id}{label}"


def _comma(lines: Seq[str]) -> list[str]:
    return [*lines[:-1], f"{lines[-1]},"]
