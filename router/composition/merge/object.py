"""Merge object types: the merged type has every field that at least one subgraph declares (composition §5.1).

Reports the hints INCONSISTENT_ENTITY and INCONSISTENT_OBJECT_VALUE_TYPE_FIELD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.check_shareable import check_sharing, check_subscription_sharing
from router.composition.merge.fields import merge_field
from router.composition.merge.merge_state import MergeState, Sources, children
from router.composition.merge.resolve_overrides import resolve_overrides
from router.composition.model import ROOTS, FieldDef, TypeDef

if TYPE_CHECKING:
    from router.composition.error_codes import HintCode


def merge_object(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Merge the fields of an object type and add the merged fields to `dest` (composition §5.1)."""
    entity = _is_entity(state, sources, dest)
    for name, fields in children(sources, lambda source: source.fields).items():
        merged = FieldDef(name, parent=dest.name)
        if not entity and dest.name not in ROOTS.values():
            hint_missing_field(state, sources, merged, "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD")
        override = resolve_overrides(state, fields, merged)
        if dest.name == ROOTS["subscription"]:
            check_subscription_sharing(state, fields, merged)
        dest.fields[name] = merged
        merge_field(state, fields, merged, override)
        check_sharing(state, fields, merged, override)


def _is_entity(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> bool:
    keyed = [index for index, source in sources.items() if source.keys]
    plain = [index for index, source in sources.items() if not source.keys]
    if keyed and plain:
        state.report.hint(
            "INCONSISTENT_ENTITY",
            f"{dest.name} has a @key in {state.names(keyed)}, but not in {state.names(plain)}.",
            state.places(sources),
        )
    return bool(keyed)


def hint_missing_field(state: MergeState, sources: Sources[TypeDef], member: FieldDef, code: HintCode) -> None:
    """Report the hint `code` if a subgraph declares the parent type of `member` but not the field `member`.

    If all fields that a subgraph declares for the type are external, the subgraph is ignored.
    """
    lacking = [
        index
        for index, source in sources.items()
        if member.name not in source.fields and not all(map(state.subgraphs[index].is_external, source.fields.values()))
    ]
    if lacking:
        state.report.hint(
            code,
            f"{member.coordinate} is not in all subgraphs that have {member.parent}: it is missing in "
            f"{state.names(lacking)}.",
            state.places(sources),
        )
