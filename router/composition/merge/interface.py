"""Merge interface types, including their `@interfaceObject` declarations (composition §5.1, §5.5).

Reports the errors INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE and INTERFACE_OBJECT_USAGE_ERROR, and the hint
INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD.
"""

from __future__ import annotations

from router.composition.key_identity_and_resolvability import resolvable
from router.composition.merge.fields import merge_field
from router.composition.merge.merge_state import MergeState, Sources, children
from router.composition.merge.object import hint_missing_field
from router.composition.merge.resolve_overrides import resolve_overrides
from router.composition.model import FieldDef, Kind, TypeDef


def merge_interface(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Check an interface type, merge its fields and add the merged fields to `dest` (composition §5.1, §5.5)."""
    _check_keys(state, sources, dest)
    _check_interface_objects(state, sources, dest)
    keyed = any(source.keys for _, source in sources.items())
    for name, fields in children(sources, lambda source: source.fields).items():
        merged = FieldDef(name, parent=dest.name)
        if not keyed:
            hint_missing_field(state, sources, merged, "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD")
        override = resolve_overrides(state, fields, merged)
        dest.fields[name] = merged
        merge_field(state, fields, merged, override)


def _check_keys(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Check that a subgraph defines every implementation if the subgraph has a resolvable key on the interface.

    The router can send such a subgraph the key of an object of any type that implements the interface. The subgraph
    must respond with the name of the object's type, so the subgraph must know all implementations.
    """
    implementations = state.supergraph.possible_types(dest.name)
    for index, source in sources.items():
        keys = [key for key in source.keys if resolvable(key)]
        if source.kind is not Kind.INTERFACE or not keys:
            continue
        known = _known_implementations(state, index, source)
        missing = [name for name in implementations if name not in known]
        if missing:
            state.report.error(
                "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
                f"[{state.subgraphs[index].name}] The interface {dest.name} has a resolvable @key here, but the "
                f"implementations {', '.join(missing)} of other subgraphs are not defined here.",
                [state.place(index, keys[0].node)],
            )


def _known_implementations(state: MergeState, index: int, interface: TypeDef) -> set[str]:
    """Return the implementations of `interface` that the subgraph at `index` knows.

    An `@interfaceObject` type can implement `interface` too. For example, if `type Media @interfaceObject` implements
    `interface`, the subgraph knows all implementations of the interface `Media`.
    """
    schema = state.subgraphs[index].schema
    known = set(schema.possible_types(interface.name))
    for name in list(known):
        if schema.types[name].is_interface_object:
            known.update(state.supergraph.possible_types(name))
    return known


def _check_interface_objects(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Check that no subgraph declares the interface as `@interfaceObject` and also defines an implementation."""
    implementations = state.supergraph.possible_types(dest.name)
    for index, source in sources.items():
        own = [name for name in implementations if name in state.subgraphs[index].schema.types]
        if source.is_interface_object and own:
            state.report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f"[{state.subgraphs[index].name}] {dest.name} is an interface object here, so its implementations "
                f"{', '.join(own)} cannot be defined here.",
                [state.place(index, source.node)],
            )
