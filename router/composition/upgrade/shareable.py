"""`@shareable`: in Federation 1, every subgraph can resolve a value type; Federation 2 requires the directive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ROOTS, Applied, Element, Kind

if TYPE_CHECKING:
    from router.composition.upgrade.original_subgraphs import Upgrade


_NEEDED = ("FIELD_DEFINITION", "OBJECT")


def require_whole_definition(upgrade: Upgrade) -> None:
    """INVALID_GRAPHQL: a definition of @shareable in the subgraph forbids locations that the upgrade needs.

    All subgraphs share the query root and its type `_Service`, so both locations are needed.
    """
    own = upgrade.schema.directives.get("shareable")
    missing = [location for location in _NEEDED if own is not None and location not in own.locations]
    if own is not None and missing and any(True for _ in upgrade.others):
        upgrade.report.error(
            "INVALID_GRAPHQL",
            f"[{upgrade.schema.name}] @shareable must allow {' and '.join(missing)}: the upgrade adds it to "
            "value types and to fields that other subgraphs resolve too.",
            [(upgrade.schema.name, own.node)],
        )


def add_shareable(upgrade: Upgrade) -> None:
    """Add it to value types that others define, and to fields of entities and roots that others resolve too."""
    original = upgrade.original
    for definition in upgrade.schema.of_kind(Kind.OBJECT):
        if definition.name == ROOTS["subscription"]:
            continue
        if not definition.keys and definition.name not in ROOTS.values():
            if any(definition.name in other.types for other in upgrade.others):
                _share(definition)
            continue
        for member in definition.fields.values():
            shared = any(member.coordinate in other.resolved for other in upgrade.others)
            if shared and member.coordinate not in original.shareable:
                _share(member)


def _share(element: Element) -> None:
    if not element.has("shareable"):
        element.directives.append(Applied("shareable", {}, "shareable"))
