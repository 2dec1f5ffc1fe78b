"""INTERFACE_OBJECT_USAGE_ERROR: a type with `@interfaceObject` has no key.

The merge and the upgrade report the same code for conflicts between the `@interfaceObject` type and the types of other
subgraphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report `@interfaceObject` types without a key (composition §4.6)."""
    for definition in subgraph.schema.of_kind(Kind.OBJECT):
        if definition.is_interface_object and not definition.keys:
            report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f"[{subgraph.name}] {definition.name} is an interface object, but has no @key here.",
                [(subgraph.name, definition.node)],
            )
