"""Merge the types that the subgraphs declare for a field, an argument or an input field.

A field gets the most general type: `Int!` and `Int` become `Int`. An argument or input field gets the most specific
type: `Int!` and `Int` become `Int!`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.merge_state import EnumUsage, MergeState, Sources
from router.composition.model import FieldDef, InputValue, Kind, Schema, TypedElement
from router.composition.type_refs import ListOf, Named, NonNull, TypeRef, base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition.error_codes import ErrorCode, HintCode


def is_strict_subtype(schema: Schema, general: TypeRef, specific: TypeRef) -> bool:
    """Return whether `specific` is a subtype of `general`. For example, `Int!` is a subtype of `Int`.

    If the types are equal, return False.
    """
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
    """Set `dest.type` to the merged type of all sources (composition §5.1).

    Two different types are compatible if one is a subtype of the other. Incompatible types are reported as the error
    FIELD_TYPE_MISMATCH or FIELD_ARGUMENT_TYPE_MISMATCH. Compatible but different types are reported as the hint
    INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE or INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE.

    Returns:
        Whether all sources have the same type.
    """
    is_input = isinstance(dest, InputValue)
    refs = [source.type for source in sources.values()]
    dest.type, incompatible = _common_type(state.supergraph, refs, is_input=is_input)
    note_enum_usage(state, dest.type, is_input=is_input)
    if all(ref == refs[0] for ref in refs[1:]):
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
            f"{where} has compatible but different types: {kinds}; the supergraph has {dest.type}.",
            state.places(sources),
        )
    return False


def _common_type(schema: Schema, refs: Sequence[TypeRef], *, is_input: bool) -> tuple[TypeRef, bool]:
    """Return the merged type of `refs`, and whether incompatible types were found."""
    merged, *others = refs
    incompatible = False
    for ref in others:
        narrower = is_strict_subtype(schema, merged, ref)
        wider = is_strict_subtype(schema, ref, merged)
        if narrower if is_input else wider:
            merged = ref
        incompatible = incompatible or not (narrower or wider or ref == merged)
    return merged, incompatible


def note_enum_usage(state: MergeState, ref: TypeRef, *, is_input: bool) -> None:
    """If `ref` refers to an enum type, record that the enum type is used as input (`is_input`) or as output."""
    name = base_name(ref)
    definition = state.supergraph.types.get(name)
    if definition is not None and definition.kind is Kind.ENUM:
        usage = state.enum_usage.setdefault(name, EnumUsage())
        if is_input:
            usage.as_input = True
        else:
            usage.as_output = True
