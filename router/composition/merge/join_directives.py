"""Add `@join__*` directives to the elements of the supergraph (composition §8.5).

A `@join__*` directive records what one subgraph declares. For example, `@join__field(graph: A, external: true)` says
that subgraph A declares the field as external.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql.language import ConstObjectFieldNode, ConstObjectValueNode, NameNode

from router.composition.const_value_nodes import boolean, enum_value, list_of, string
from router.composition.context_directives import contextual_arguments
from router.composition.merge.merge_state import NOT_OVERRIDDEN, MergeState, Override, Sources
from router.composition.model import Applied, EnumValue, FieldDef, InputValue, TypeDef, TypedElement

if TYPE_CHECKING:
    from graphql.language import ConstValueNode

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata


def join_type(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Add the `@join__type`s of all subgraphs to `dest` (composition §8.5).

    For each subgraph, one `@join__type` is added for each `@key` on the type. If the subgraph has no `@key` on the
    type, one `@join__type` without a key is added.
    """
    for index, source in sources.items():
        shared: dict[str, ConstValueNode] = {"graph": enum_value(state.graph_names[index])}
        is_interface_object = {"isInterfaceObject": boolean(value=True)} if source.is_interface_object else {}
        if not source.keys:
            dest.directives.append(Applied("join__type", {**shared, **is_interface_object}))
        for key in source.keys:
            arguments: dict[str, ConstValueNode] = {**shared, "key": string(_field_set(key))}
            if key.in_extension or source.has("extends"):
                arguments["extension"] = boolean(value=True)
            if "resolvable" in key.arguments:
                arguments["resolvable"] = key.arguments["resolvable"]
            dest.directives.append(Applied("join__type", {**arguments, **is_interface_object}))


def join_implements(state: MergeState, index: int, interface: str) -> Applied:
    """Return a `@join__implements`: in the subgraph at `index`, the type implements `interface`."""
    graph = enum_value(state.graph_names[index])
    return Applied("join__implements", {"graph": graph, "interface": string(interface)})


def join_union_member(state: MergeState, index: int, member: str) -> Applied:
    """Return a `@join__unionMember`: in the subgraph at `index`, the union has the member `member`."""
    return Applied("join__unionMember", {"graph": enum_value(state.graph_names[index]), "member": string(member)})


def join_enum_value(state: MergeState, sources: Sources[EnumValue], dest: EnumValue) -> None:
    """Add a `@join__enumValue` to `dest` for each subgraph that has the enum value."""
    for index in sources:
        dest.directives.append(Applied("join__enumValue", {"graph": enum_value(state.graph_names[index])}))


@dataclass(frozen=True, slots=True)
class FieldContext:
    """Facts about a merged field. They decide which `@join__field`s the field gets.

    Attributes:
        parent: The name of the type that has the field.
        types_equal: Whether the field has the same type in all subgraphs.
        override: The subgraphs in which the field is overridden.
    """

    parent: str
    types_equal: bool
    override: Override = NOT_OVERRIDDEN


def join_field(
    state: MergeState, sources: Sources[TypedElement], dest: FieldDef | InputValue, context: FieldContext
) -> None:
    """Add the `@join__field`s of all subgraphs with the field to `dest` (composition §8.5).

    If all subgraphs with the parent type declare the field in the same way (see `_is_implied`), no `@join__field` is
    added. Routers know that a field without `@join__field` is in all these subgraphs.
    """
    if context.types_equal and _is_implied(state, sources, context):
        return
    for index, source in sources.items():
        if context.override.leaves_out(index):
            continue
        arguments: dict[str, ConstValueNode] = {"graph": enum_value(state.graph_names[index])}
        if isinstance(source, FieldDef):
            arguments |= _field_sets(source)
        if not context.types_equal:
            arguments["type"] = string(str(source.type))
        if isinstance(source, FieldDef):
            arguments |= _resolution(state.subgraphs[index], source)
            arguments |= _migration(index, context.override)
            contextual = _context_arguments(state.subgraphs[index], source)
            if contextual:
                arguments["contextArguments"] = list_of(contextual)
        dest.directives.append(Applied("join__field", arguments))


def _is_implied(state: MergeState, sources: Sources[TypedElement], context: FieldContext) -> bool:
    """Return whether the field needs no `@join__field`. The caller checks that the types are equal in all subgraphs.

    Two conditions must hold:

    - Every subgraph with the parent type has the field.
    - In no subgraph is the field external, overridden, or marked with `@requires`, `@provides` or `@fromContext`.
    """
    if context.override.used or context.override.labels:
        return False
    if context.override.unused or len(sources) < len(state.subgraphs_with[context.parent]):
        return False
    return not any(
        isinstance(source, FieldDef) and _is_special(state.subgraphs[index], source)
        for index, source in sources.items()
    )


def _is_special(subgraph: SubgraphMetadata, source: FieldDef) -> bool:
    return (
        subgraph.is_external(source)
        or source.has("requires")
        or source.has("provides")
        or any(contextual_arguments(source))
    )


def _field_sets(source: FieldDef) -> dict[str, ConstValueNode]:
    arguments: dict[str, ConstValueNode] = {}
    for element in ("requires", "provides"):
        for applied in source.applied(element):
            arguments[element] = string(_field_set(applied))
    return arguments


def _resolution(subgraph: SubgraphMetadata, source: FieldDef) -> dict[str, ConstValueNode]:
    arguments: dict[str, ConstValueNode] = {}
    if subgraph.is_external(source):
        arguments["external"] = boolean(value=True)
    for applied in source.applied("override"):
        arguments["override"] = string(applied.text("from") or "")
    return arguments


def _migration(index: int, override: Override) -> dict[str, ConstValueNode]:
    arguments: dict[str, ConstValueNode] = {}
    if index in override.used:
        arguments["usedOverridden"] = boolean(value=True)
    if index in override.labels:
        arguments["overrideLabel"] = string(override.labels[index])
    return arguments


def _field_set(applied: Applied) -> str:
    """Return the argument `fields` as text. It can differ from the SDL, because earlier steps rewrite field sets."""
    return applied.text("fields") or ""


def _context_arguments(subgraph: SubgraphMetadata, source: FieldDef) -> list[ConstObjectValueNode]:
    items = []
    for argument, value in contextual_arguments(source):
        parts = {
            "context": f"{subgraph.name}__{value.context}",
            "name": argument.name,
            "type": str(argument.type),
            "selection": value.text,
        }
        items.append(
            ConstObjectValueNode(
                fields=tuple(
                    ConstObjectFieldNode(name=NameNode(value=key), value=string(text)) for key, text in parts.items()
                )
            )
        )
    return items
