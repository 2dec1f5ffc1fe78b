"""AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE: an authorization directive is on an interface.

Interfaces, interface fields and `@interfaceObject` types cannot have `@authenticated`, `@requiresScopes` or `@policy`.
These directives must be on the object types that implement the interface, or on the fields of these object types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import AUTH_ELEMENTS, Applied, Element, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report authorization directives on interfaces, interface fields and interface objects (composition §4.8)."""
    for what, applied in _forbidden(subgraph):
        report.error(
            "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
            f"[{subgraph.name}] {what} cannot have @{applied.name}: its requirements come from the implementations.",
            [(subgraph.name, applied.node)],
        )


def _forbidden(subgraph: SubgraphMetadata) -> Iterator[tuple[str, Applied]]:
    carriers: list[tuple[str, Element]] = []
    for definition in subgraph.schema.of_kind(Kind.INTERFACE, Kind.OBJECT):
        if definition.is_interface_object:
            carriers.append((f"The interface object {definition.name}", definition))
        elif definition.kind is Kind.INTERFACE:
            carriers.append((f"The interface {definition.name}", definition))
            carriers += [(f"The interface field {each.coordinate}", each) for each in definition.fields.values()]
    for what, carrier in carriers:
        for applied in carrier.directives:
            if applied.element in AUTH_ELEMENTS:
                yield what, applied
