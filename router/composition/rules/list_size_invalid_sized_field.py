"""LIST_SIZE_INVALID_SIZED_FIELD: the type of a field with `@listSize` lacks a field that `sizedFields` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.find_fields_with_list_size import fields_with_list_size, names
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, FieldDef
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report, *, from_cost_spec: bool = False) -> None:
    """Report each name in `sizedFields` if the type of the field with `@listSize` has no field of this name.

    See composition §4.8.
    """
    for member, applied in fields_with_list_size(subgraph, from_cost_spec=from_cost_spec):
        for problem in _problems(subgraph, member, applied):
            report.error(
                "LIST_SIZE_INVALID_SIZED_FIELD",
                f"[{subgraph.name}] {member.coordinate}: {problem}.",
                [(subgraph.name, applied.node)],
            )


def _problems(subgraph: SubgraphMetadata, member: FieldDef, applied: Applied) -> Iterator[str]:
    target = subgraph.schema.types.get(base_name(member.type))
    for name in names(applied, "sizedFields"):
        if target is None or not target.fields:
            yield f'{member.type} has no fields, so "{name}" cannot be a sized field'
        elif name not in target.fields:
            yield f'{target.name} has no field "{name}"'
