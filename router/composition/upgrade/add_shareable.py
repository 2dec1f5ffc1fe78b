"""Add `@shareable` to types and fields that several subgraphs resolve.

Federation 2 requires `@shareable` if several subgraphs resolve a field. Federation 1 does not require it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ROOTS, Applied, Element, Kind

if TYPE_CHECKING:
    from router.composition.upgrade.upgrade_step_input import Upgrade


_NEEDED = ("FIELD_DEFINITION", "OBJECT")


def require_whole_definition(upgrade: Upgrade) -> None:
    """Report INVALID_GRAPHQL if the subgraph defines `@shareable` without the locations that the upgrade needs.

    The upgrade adds `@shareable` to fields and types that several subgraphs have, so the definition must have the
    locations `FIELD_DEFINITION` and `OBJECT`. If there are several subgraphs, both are always needed: every subgraph
    has the field `Query._service` and the type `_Service`. If there is only one subgraph, nothing is reported.
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
    """Add `@shareable` to each type or field that other subgraphs have too.

    - If an object type has no key and is not a root type, the type gets `@shareable` if another subgraph has the type.
    - In other object types, a field gets `@shareable` if another subgraph resolves the field.
    - `Subscription` and its fields get no `@shareable`.
    """
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
