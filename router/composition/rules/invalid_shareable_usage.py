"""INVALID_SHAREABLE_USAGE: `@shareable` is on an interface field, or is repeated.

A field may have only one `@shareable`. A type may have one in its definition and one in each extension.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each repeated `@shareable`, and each `@shareable` on an interface field (composition §4.5)."""
    for definition in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        blocks = Counter(applied.block for applied in definition.applied("shareable"))
        if any(count > 1 for count in blocks.values()):
            report.error(
                "INVALID_SHAREABLE_USAGE",
                f"[{subgraph.name}] @shareable is repeated on one declaration of {definition.name}.",
                [(subgraph.name, applied.node) for applied in definition.applied("shareable")],
            )
        for member in definition.fields.values():
            applied = member.applied("shareable")
            if len(applied) > 1:
                report.error(
                    "INVALID_SHAREABLE_USAGE",
                    f"[{subgraph.name}] @shareable is repeated on {member.coordinate}.",
                    [(subgraph.name, each.node) for each in applied],
                )
            if applied and definition.kind is Kind.INTERFACE:
                report.error(
                    "INVALID_SHAREABLE_USAGE",
                    f"[{subgraph.name}] The interface field {member.coordinate} cannot be shareable; "
                    "mark the fields of the implementations.",
                    [(subgraph.name, applied[0].node)],
                )
