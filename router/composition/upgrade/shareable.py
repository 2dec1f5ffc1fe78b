"""`@shareable`: Federation 1 let every subgraph resolve value types, Federation 2 wants it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ROOTS, Applied, Element, Kind

if TYPE_CHECKING:
    from router.composition.upgrade.originals import Upgrade


def add_shareable(upgrade: Upgrade) -> None:
    """On value types that others declare, and on fields of entities and roots that others resolve too."""
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
