"""LIST_SIZE_INVALID_SLICING_ARGUMENT: `slicingArguments` of `@listSize` must name `Int` arguments of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.find_fields_with_list_size import fields_with_list_size, names
from router.composition.type_refs import nullable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, FieldDef
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report, *, from_cost_spec: bool = False) -> None:
    """Report each name in `slicingArguments` that is not an `Int` argument of the field (composition §4.8)."""
    for member, applied in fields_with_list_size(subgraph, from_cost_spec=from_cost_spec):
        for problem in _problems(member, applied):
            report.error(
                "LIST_SIZE_INVALID_SLICING_ARGUMENT",
                f"[{subgraph.name}] {member.coordinate}: {problem}.",
                [(subgraph.name, applied.node)],
            )


def _problems(member: FieldDef, applied: Applied) -> Iterator[str]:
    for name in names(applied, "slicingArguments"):
        argument = member.arguments.get(name)
        if argument is None:
            yield f'the field has no argument "{name}", which is named as a slicing argument'
        elif str(nullable(argument.type)) != "Int":
            yield f'the slicing argument "{name}" has the type {argument.type}, which is not Int'
