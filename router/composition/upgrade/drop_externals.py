"""Drop `@external` where Federation 2 forbids it, and drop external fields that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.model import Element, Kind
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.model import Schema
    from router.composition.upgrade.upgrade_step_input import Upgrade


def _drop_external(element: Element) -> None:
    element.directives = [applied for applied in element.directives if applied.element != "external"]


def drop_external_on_interface_fields(upgrade: Upgrade) -> None:
    """Drop `@external` on interface fields, because Federation 1 ignores it there."""
    for definition in upgrade.schema.of_kind(Kind.INTERFACE):
        for member in definition.fields.values():
            _drop_external(member)


def drop_external_on_types(upgrade: Upgrade) -> None:
    """Drop `@external` on types, because Federation 1 ignores it there."""
    for definition in upgrade.schema.of_kind(Kind.OBJECT):
        _drop_external(definition)


def drop_unused_externals(upgrade: Upgrade) -> None:
    """Drop the external fields that nothing in the subgraph uses.

    If a type has no fields left, the type is dropped too. If the subgraph still refers to such a type, the type is not
    dropped, and TYPE_WITH_ONLY_UNUSED_EXTERNAL is reported.
    """
    schema = upgrade.schema
    subgraph = SubgraphMetadata(schema)
    schema.still_provided, schema.still_used = subgraph.provided, subgraph.used
    for definition in list(schema.of_kind(Kind.OBJECT, Kind.INTERFACE)):
        unused = [
            each for each in definition.fields.values() if subgraph.is_external(each) and not subgraph.is_used(each)
        ]
        if not unused:
            continue
        for member in unused:
            del definition.fields[member.name]
        if definition.fields:
            continue
        if _is_referenced(schema, definition.name):
            upgrade.report.error(
                "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
                f"[{schema.name}] All fields of {definition.name} are external, and none of them is used here.",
                [(schema.name, definition.node)],
            )
        else:
            del schema.types[definition.name]


def _is_referenced(schema: Schema, name: str) -> bool:
    if schema.types[name].keys:
        # A type with a key is an entity, so the root field `_entities` refers to the type.
        return True
    if any(base_name(member.type) == name for _, member in schema.fields()):
        return True
    return any(name in definition.members or name in definition.interfaces for definition in schema.types.values())
