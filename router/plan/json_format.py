"""Plans as JSON, in Apollo's format; `BatchFetch`, which Apollo has not, holds Apollo's nodes of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

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
)

if TYPE_CHECKING:
    from router.plan.nodes import InputSelection, Path, PlanNode, Rewrite

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


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


def drop_absent(entries: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in entries.items() if value is not None}


def _optional_node(node: PlanNode | None) -> Json:
    return None if node is None else node_json(node)


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
    return drop_absent(entries)


def _batch_json(batch: BatchFetch) -> dict[str, Json]:
    return drop_absent(
        {
            "kind": "BatchFetch",
            "serviceName": batch.service_name,
            "variableUsages": list(batch.variable_usages(batch.parts)),
            "operation": batch.operation(batch.parts),
            "operationName": batch.operation_name,
            "operationKind": "query",
            "parts": [
                {"alias": part.alias, "representations": part.representations, "node": node_json(part.node)}
                for part in batch.parts
            ],
        },
    )


def _defer_json(defer: Defer) -> dict[str, Json]:
    primary = drop_absent(
        {"subselection": defer.primary.subselection, "node": _optional_node(defer.primary.node)},
    )
    deferred: list[Json] = [
        drop_absent(
            {
                "depends": [
                    drop_absent({"id": str(dependency.fetch_id), "deferLabel": dependency.defer_label})
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


def node_json(node: PlanNode) -> dict[str, Json]:  # noqa: PLR0911 - one per kind of node
    match node:
        case Fetch():
            return _fetch_json(node)
        case BatchFetch():
            return _batch_json(node)
        case Flatten(path=path, node=inner):
            return {"kind": "Flatten", "path": flatten_path_json(path), "node": node_json(inner)}
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return {"kind": type(node).__name__, "nodes": [node_json(child) for child in nodes]}
        case Condition(variable=variable, if_clause=if_clause, else_clause=else_clause):
            return drop_absent(
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
            return drop_absent(
                {"kind": "Subscription", "primary": _fetch_json(primary), "rest": _optional_node(rest)},
            )
