"""AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE: requirements belong to objects; interfaces inherit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Applied, Element, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.facts import Facts
    from router.composition.report import Report

AUTH_ELEMENTS = ("authenticated", "requiresScopes", "policy")


def check(facts: Facts, report: Report) -> None:
    for what, applied in _forbidden(facts):
        report.error(
            "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
            f"[{facts.name}] {what} cannot carry @{applied.name}: it gets its requirements from the implementations.",
            [(facts.name, applied.node)],
        )


def _forbidden(facts: Facts) -> Iterator[tuple[str, Applied]]:
    carriers: list[tuple[str, Element]] = []
    for definition in facts.schema.of_kind(Kind.INTERFACE, Kind.OBJECT):
        if definition.is_interface_object:
            carriers.append((f"The interface object {definition.name}", definition))
        elif definition.kind is Kind.INTERFACE:
            carriers.append((f"The interface {definition.name}", definition))
            carriers += [(f"The interface field {each.coordinate}", each) for each in definition.fields.values()]
    for what, carrier in carriers:
        for applied in carrier.directives:
            if applied.element in AUTH_ELEMENTS:
                yield what, applied
