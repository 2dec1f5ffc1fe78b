"""Check `@requires`: its field set must be valid, and it cannot be on an interface field.

The field set of `@requires` may select fields with arguments. The field sets of `@key` and `@provides` may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind
from router.composition.rules.check_field_set import FieldSetRule, FieldSetUse, check_field_set

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

_REQUIRES = FieldSetRule(
    {
        "type": "REQUIRES_INVALID_FIELDS_TYPE",
        "invalid": "REQUIRES_INVALID_FIELDS",
        "alias": "REQUIRES_INVALID_FIELDS",
        "no selection": "REQUIRES_INVALID_FIELDS",
        "directive": "REQUIRES_DIRECTIVE_IN_FIELDS_ARG",
        "not external": "REQUIRES_FIELDS_MISSING_EXTERNAL",
    }
)


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@requires` that is on an interface field or has an invalid field set (composition §4.3)."""
    for definition, member in subgraph.schema.fields():
        for applied in member.applied("requires"):
            if definition.kind is Kind.INTERFACE:
                report.error(
                    "REQUIRES_UNSUPPORTED_ON_INTERFACE",
                    f"[{subgraph.name}] {member.coordinate} is an interface field, which cannot have @{applied.name}.",
                    [(subgraph.name, applied.node)],
                )
            check_field_set(_REQUIRES, subgraph, FieldSetUse(applied, definition.name, member.coordinate), report)
