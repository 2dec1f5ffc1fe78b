"""Explain in error messages why no subgraph can resolve a field (composition §9.5).

The text has an entry for each subgraph whose response can contain the object. The entry says why this subgraph cannot
resolve the field, and why the router cannot continue in another subgraph that resolves the field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.key_identity_and_resolvability import resolvable
from router.composition.satisfiability.context_selections import required_context_selections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import FieldDef
    from router.composition.satisfiability.position_graph import Position, PositionGraph
    from router.composition.satisfiability.reachability import Reachability


def failure_reasons(reachability: Reachability, positions: Sequence[Position], member: FieldDef) -> str:
    """Return a text that explains why `member` cannot be resolved, with an entry for each subgraph in `positions`."""
    grouped: dict[str, dict[str, None]] = {}
    for position in positions:
        reasons = grouped.setdefault(reachability.graph.subgraph(position).name, {})
        for reason in _reasons(reachability, position, member):
            reasons[reason] = None
    lines = []
    for name, reasons in grouped.items():
        if len(reasons) == 1:
            lines.append(f'- from subgraph "{name}": {next(iter(reasons))}.')
        else:
            lines.append(f'- from subgraph "{name}":')
            lines += [f"  - {reason}." for reason in reasons]
    return "\n".join(lines)


def _reasons(reachability: Reachability, position: Position, member: FieldDef) -> Iterator[str]:
    graph = reachability.graph
    reached = reachability.reachable(position)
    for seen in reached:
        where = "" if seen.index == position.index else f' in subgraph "{graph.subgraph(seen).name}"'
        yield f"{_reason_here(graph, seen, member)}{where}"
    known = {each.index for each in reached}
    for index, subgraph in enumerate(graph.state.subgraphs):
        definition = subgraph.schema.types.get(position.type_name)
        if index in known or definition is None or member.name not in definition.fields:
            continue
        keys = [key.text("fields") for key in definition.keys if resolvable(key)]
        target = f'subgraph "{subgraph.name}", which has "{member.coordinate}"'
        if keys:
            options = " or ".join(f'"{fields}"' for fields in keys)
            yield f"cannot move to {target}, using key {options} of {position.type_name}: its fields cannot be fetched"
        elif definition.keys:
            yield f"cannot move to {target}: the @key of {position.type_name} there is not resolvable"
        else:
            yield f"cannot move to {target}: {position.type_name} has no @key there"


def _reason_here(  # noqa: PLR0911 - one return for each reason
    graph: PositionGraph, position: Position, member: FieldDef
) -> str:
    own = graph.declared_field(position, member.name)
    subgraph = graph.subgraph(position)
    if own is None:
        return f'cannot find field "{member.coordinate}"'
    if graph.is_overridden(position, own):
        override = graph.state.overrides.get(own.coordinate)
        gone = (override.used | override.unused) if override else set()
        by = [i for i, each in enumerate(graph.state.subgraphs) if i not in gone and _overrides(each, own)]
        return f'field "{own.coordinate}" is overridden by {graph.state.names(by) or "another subgraph"}'
    if subgraph.is_external(own):
        elsewhere = (
            ", and @provides makes it resolvable on other paths only" if own.coordinate in subgraph.provided else ""
        )
        return f'field "{own.coordinate}" is not resolvable because it is marked @external{elsewhere}'
    if own.has("requires"):
        if not graph.has_local_key(position):
            return (
                f'the fields that "{own.coordinate}" requires can be fetched, but {position.type_name} has no '
                "@key by which to fetch it with them"
            )
        progressive = graph.progressive_requirements(position, own)
        because = (
            f" (@requires cannot rely on {', '.join(progressive)}: the @override has a label)" if progressive else ""
        )
        return f'cannot satisfy the @requires conditions on field "{own.coordinate}"{because}'
    contexts = sorted({selection.context for selection in required_context_selections(subgraph, own)})
    if contexts:
        return (
            f'the context {", ".join(contexts)} of field "{own.coordinate}" is not set on this path, or the fields '
            "selected on it cannot be fetched there"
        )
    return f'cannot resolve field "{own.coordinate}"'


def _overrides(subgraph: SubgraphMetadata, own: FieldDef) -> bool:
    definition = subgraph.schema.types.get(own.parent)
    member = definition.fields.get(own.name) if definition is not None else None
    return member is not None and member.has("override")
