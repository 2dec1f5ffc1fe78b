"""REQUIRES_INVALID_FIELDS on the supergraph: what a subgraph requires must still be there once everything is merged.

A subgraph validates its `@requires` against its own schema; merging may have dropped an argument it passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode, SelectionSetNode

from router.composition.model import COMPOSITE
from router.composition.type_refs import base_name
from router.federation.field_sets import FieldSetSyntaxError, parse_field_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.merge.state import MergeState
    from router.composition.model import Schema


def check(state: MergeState) -> None:
    for facts in state.subgraphs:
        for _, member in facts.schema.fields():
            for applied in member.applied("requires"):
                try:
                    selections = parse_field_set(applied.text("fields") or "")
                except FieldSetSyntaxError:
                    continue
                for problem in _problems(state.supergraph, member.parent, selections):
                    state.report.error(
                        "REQUIRES_INVALID_FIELDS",
                        f"[{facts.name}] On {member.coordinate}, for @{applied.name}: in the supergraph, {problem}.",
                        [(facts.name, applied.node)],
                    )


def _problems(schema: Schema, type_name: str, selections: SelectionSetNode) -> Iterator[str]:
    definition = schema.types.get(type_name)
    if definition is None:
        yield f"there is no type {type_name}"
        return
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner = item.type_condition.name.value if item.type_condition else type_name
            yield from _problems(schema, inner, item.selection_set)
        elif isinstance(item, FieldNode) and item.name.value != "__typename":
            member = definition.fields.get(item.name.value)
            if member is None:
                yield f"{type_name} has no field {item.name.value}"
                continue
            given = {argument.name.value for argument in item.arguments or ()}
            for name in sorted(given - member.arguments.keys()):
                yield f"{member.coordinate} has no argument {name}"
            for argument in member.arguments.values():
                if argument.required and argument.name not in given:
                    yield f"{member.coordinate} needs the argument {argument.name}"
            if item.selection_set is not None and schema.kind_of(member.type) in COMPOSITE:
                yield from _problems(schema, base_name(member.type), item.selection_set)
