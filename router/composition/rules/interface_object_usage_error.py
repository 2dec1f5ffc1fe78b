"""INTERFACE_OBJECT_USAGE_ERROR within one subgraph: an `@interfaceObject` is an entity.

The same code across subgraphs: `merge.interface` and `merge.supergraph`; with Federation 1: `upgrade`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report) -> None:
    for definition in facts.schema.of_kind(Kind.OBJECT):
        if definition.is_interface_object and not definition.keys:
            report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f"[{facts.name}] {definition.name} is an interface object, but has no @key here.",
                [(facts.name, definition.node)],
            )
