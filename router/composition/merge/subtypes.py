"""Types that differ between subgraphs: the most general for outputs, the most specific for inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.state import EnumUsage, MergeState, Sources
from router.composition.model import FieldDef, InputValue, Kind, Schema, TypedElement
from router.composition.type_refs import ListOf, Named, NonNull, TypeRef, base_name

if TYPE_CHECKING:
    from router.composition.codes import ErrorCode, HintCode


def is_strict_subtype(schema: Schema, general: TypeRef, specific: TypeRef) -> bool:
    """Whether every value of `specific` is one of `general`, and the two are not equal."""
    if general == specific:
        return False
    match general, specific:
        case NonNull(), NonNull():
            return is_strict_subtype(schema, general.of, specific.of)
        case _, NonNull():
            return general == specific.of or is_strict_subtype(schema, general, specific.of)
        case ListOf(), ListOf():
            return is_strict_subtype(schema, general.of, specific.of)
        case Named(), Named():
            return _is_member(schema, general.name, specific.name)
        case _:
            return False


def _is_member(schema: Schema, general: str, specific: str) -> bool:
    definition, member = schema.types.get(general), schema.types.get(specific)
    if definition is None or member is None:
        return False
    return specific in definition.members or general in member.interfaces


def merge_type_reference(
    state: MergeState,
    sources: Sources[TypedElement],
    dest: FieldDef | InputValue,
    where: str,
    *,
    is_argument: bool = False,
) -> bool:
    """Set `dest.type`; True if all sources have that very type.

    FIELD_TYPE_MISMATCH or FIELD_ARGUMENT_TYPE_MISMATCH where neither type includes the other,
    INCONSISTENT_BUT_COMPATIBLE_{FIELD,ARGUMENT}_TYPE where one does.
    """
    is_input = isinstance(dest, InputValue)
    merged: TypeRef | None = None
    differ = incompatible = False
    for source in sources.values():
        ref = source.type
        if merged is None or merged == ref:
            merged = ref
        elif is_strict_subtype(state.supergraph, merged, ref):
            differ = True
            merged = ref if is_input else merged
        elif is_strict_subtype(state.supergraph, ref, merged):
            differ = True
            merged = merged if is_input else ref
        else:
            incompatible = True
    if merged is None:
        raise ValueError(f"{where} has no source")
    dest.type = merged
    note_enum_usage(state, merged, is_input=is_input)
    if not (differ or incompatible):
        return True
    kinds = ", ".join(f"{source.type} in {state.names([index])}" for index, source in sources.items())
    code: ErrorCode = "FIELD_ARGUMENT_TYPE_MISMATCH" if is_argument else "FIELD_TYPE_MISMATCH"
    hint: HintCode = (
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE" if is_argument else "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE"
    )
    if incompatible:
        state.report.error(code, f"{where} has incompatible types: {kinds}.", state.places(sources))
    else:
        state.report.hint(
            hint,
            f"{where} has compatible but different types: {kinds}; the supergraph has {merged}.",
            state.places(sources),
        )
    return False


def note_enum_usage(state: MergeState, ref: TypeRef, *, is_input: bool) -> None:
    name = base_name(ref)
    definition = state.supergraph.types.get(name)
    if definition is not None and definition.kind is Kind.ENUM:
        usage = state.enum_usage.setdefault(name, EnumUsage())
        if is_input:
            usage.as_input = True
        else:
            usage.as_output = True
