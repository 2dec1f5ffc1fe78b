"""Writes plans as JSON in Apollo's format.

Apollo's format has no `BatchFetch`: this kind of node is our addition. Each part of a `BatchFetch` contains a node in
Apollo's format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from router.plan.nodes import (
    BatchFetch,
    Condition,
    Defer,
    Each,
    Fetch,
    Flatten,
    InputField,
    InputFragment,
    Key,
    KeyRenamer,
    Parallel,
    Parent,
    Sequence,
    Subscription,
    TypeIs,
    ValueSetter,
    awaited_fetches,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan.nodes import DeferredPart, InputSelection, Path, PlanNode, Rewrite

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def flatten_path_json(path: Path) -> list[Json]:
    """Return the path of a `Flatten` node in Apollo's notation.

    A type condition is appended to the step before it: `@|[Book]` stands for the list items of the type `Book`.
    """
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


def plan_json(node: PlanNode | None, hints: Iterable[str] = ()) -> dict[str, Json]:
    """Return the plan with the root node `node` in JSON format.

    The key `hints` is our addition to Apollo's format. Without hints, the key is left out.
    """
    entries: dict[str, Json] = {"kind": "QueryPlan", "node": _Nodes(awaited_fetches(node)).optional(node)}
    return _drop_absent(entries | {"hints": list(hints) or None})


class _Nodes(msgspec.Struct, frozen=True):
    """Writes nodes as JSON. The `id` of a fetch is written only if a deferred part waits for the fetch."""

    awaited: frozenset[int]

    def optional(self, node: PlanNode | None) -> Json:
        """Return a node as JSON. Without a node, return null."""
        return None if node is None else self.node(node)

    def node(self, node: PlanNode) -> dict[str, Json]:  # noqa: PLR0911 - one per kind of node
        """Return a node as JSON."""
        match node:
            case Fetch():
                return self._fetch(node)
            case BatchFetch():
                return self._batch(node)
            case Flatten(path=path, node=inner):
                return {"kind": "Flatten", "path": flatten_path_json(path), "node": self.node(inner)}
            case Sequence(nodes=nodes) | Parallel(nodes=nodes):
                return {"kind": type(node).__name__, "nodes": [self.node(child) for child in nodes]}
            case Condition():
                return self._condition(node)
            case Defer():
                return self._defer(node)
            case Subscription(primary=primary, rest=rest):
                return _drop_absent(
                    {"kind": "Subscription", "primary": self._fetch(primary), "rest": self.optional(rest)},
                )

    def _fetch(self, fetch: Fetch) -> dict[str, Json]:
        entries: dict[str, Json] = {
            "kind": "Fetch",
            "serviceName": fetch.service_name,
            "id": str(fetch.id) if fetch.id in self.awaited else None,
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

    def _batch(self, batch: BatchFetch) -> dict[str, Json]:
        return _drop_absent(
            {
                "kind": "BatchFetch",
                "serviceName": batch.service_name,
                "variableUsages": list(batch.variable_usages(batch.parts)),
                "operation": batch.operation(batch.parts),
                "operationName": batch.operation_name,
                "operationKind": "query",
                "parts": [
                    {"alias": part.alias, "representations": part.representations, "node": self.node(part.node)}
                    for part in batch.parts
                ],
            },
        )

    def _condition(self, node: Condition) -> dict[str, Json]:
        return _drop_absent(
            {
                "kind": "Condition",
                "condition": node.variable,
                "ifClause": self.optional(node.if_clause),
                "elseClause": self.optional(node.else_clause),
            },
        )

    def _defer(self, defer: Defer) -> dict[str, Json]:
        primary = _drop_absent(
            {"subselection": defer.primary.subselection, "node": self.optional(defer.primary.node)},
        )
        return {"kind": "Defer", "primary": primary, "deferred": [self._part(part) for part in defer.deferred]}

    def _part(self, part: DeferredPart) -> dict[str, Json]:
        depends: list[Json] = [
            _drop_absent({"id": str(dependency.fetch_id), "deferLabel": dependency.defer_label})
            for dependency in part.depends
        ]
        return _drop_absent(
            {
                "depends": depends,
                "label": part.label,
                "queryPath": list(part.query_path),
                "subselection": part.subselection,
                "node": self.optional(part.node),
            },
        )
