"""Check `@provides`: its field set must be valid, and it cannot be on an interface field.

The rule `provides_placement` reports `@provides` on external fields and on fields whose type has no fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind
from router.composition.rules.check_field_set import FieldSetRule, FieldSetUse, check_field_set
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

_PROVIDES = FieldSetRule(
    {
        "type": "PROVIDES_INVALID_FIELDS_TYPE",
        "invalid": "PROVIDES_INVALID_FIELDS",
        "alias": "PROVIDES_INVALID_FIELDS",
        "no selection": "PROVIDES_INVALID_FIELDS",
        "arguments": "PROVIDES_FIELDS_HAS_ARGS",
        "directive": "PROVIDES_DIRECTIVE_IN_FIELDS_ARG",
        "not external": "PROVIDES_FIELDS_MISSING_EXTERNAL",
    }
)


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@provides` that is on an interface field or has an invalid field set (composition §4.3)."""
    for definition, member in subgraph.schema.fields():
        if not member.directives:
            continue
        for applied in member.applied("provides"):
            if definition.kind is Kind.INTERFACE:
                report.error(
                    "PROVIDES_UNSUPPORTED_ON_INTERFACE",
                    f"[{subgraph.name}] {member.coordinate} is an interface field, which cannot have @{applied.name}.",
                    [(subgraph.name, applied.node)],
                )
            use = FieldSetUse(applied, base_name(member.type), member.coordinate)
            check_field_set(_PROVIDES, subgraph, use, report)
