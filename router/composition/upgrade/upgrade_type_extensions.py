"""Upgrade type extensions: check that some subgraph defines each extended type, and turn extensions into definitions.

In Federation 1, one subgraph owns and defines a type, and other subgraphs extend the type. In Federation 2, no subgraph
owns a type, and each subgraph with the type defines it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.fields_of_field_set import target_fields
from router.composition.model import COMPOSITE, ROOTS, FieldDef, Kind
from router.composition.upgrade.upgrade_step_input import is_extension

if TYPE_CHECKING:
    from router.composition.upgrade.upgrade_step_input import Upgrade


def require_base(upgrade: Upgrade) -> None:
    """Report EXTENSION_WITH_NO_BASE if the subgraph extends a type that no other subgraph defines."""
    for definition in upgrade.schema.types.values():
        if definition.name in ROOTS.values() or not is_extension(definition):
            continue
        if not any(definition.name in other.bases for other in upgrade.others):
            upgrade.report.error(
                "EXTENSION_WITH_NO_BASE",
                f"[{upgrade.schema.name}] {definition.name} is an extension, but no subgraph defines the type.",
                [(upgrade.schema.name, definition.node)],
            )


def drop_external_keys(upgrade: Upgrade) -> None:
    """Drop `@external` from the key fields of type extensions, because the subgraph resolves these fields.

    If this subgraph has no key for the type, the fields of other subgraphs' keys count as key fields: each other
    subgraph with a key for the type adds the fields of its first key. Root types count as type extensions.
    """
    schema = upgrade.schema
    for definition in schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        if not is_extension(definition) and definition.name not in ROOTS.values():
            continue
        for key in definition.keys:
            for member, _ in target_fields(schema, definition.name, key):
                if member.parent == definition.name:
                    _drop_external(member)
        if not definition.keys:
            for other in upgrade.others:
                for name in other.first_key_fields.get(definition.name, ()):
                    if name in definition.fields:
                        _drop_external(definition.fields[name])


def _drop_external(member: FieldDef) -> None:
    member.directives = [applied for applied in member.directives if applied.element != "external"]


def turn_extensions_into_definitions(upgrade: Upgrade) -> None:
    """Turn `extend type X` into `type X` if the subgraph does not define `X`. Keep `@extends`."""
    for definition in upgrade.schema.types.values():
        if definition.has_definition or definition.kind not in COMPOSITE:
            continue
        definition.has_definition, definition.has_extension = True, False
        for applied in definition.directives:
            applied.in_extension = False
        for member in definition.fields.values():
            member.in_extension = False
