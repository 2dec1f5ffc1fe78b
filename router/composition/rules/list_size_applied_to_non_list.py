"""LIST_SIZE_APPLIED_TO_NON_LIST: `@listSize` gives the size of a field that is not a list.

Without `sizedFields`, the field with `@listSize` must be a list. With `sizedFields`, the named fields must be lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.find_fields_with_list_size import fields_with_list_size, names
from router.composition.type_refs import ListOf, base_name, nullable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, FieldDef
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report, *, from_cost_spec: bool = False) -> None:
    """Report each `@listSize` that gives the size of a field that is not a list (composition §4.8)."""
    for member, applied in fields_with_list_size(subgraph, from_cost_spec=from_cost_spec):
        for problem in _problems(subgraph, member, applied):
            report.error(
                "LIST_SIZE_APPLIED_TO_NON_LIST",
                f"[{subgraph.name}] {member.coordinate}: {problem}.",
                [(subgraph.name, applied.node)],
            )


def _problems(subgraph: SubgraphMetadata, member: FieldDef, applied: Applied) -> Iterator[str]:
    sized = names(applied, "sizedFields")
    if not sized and not isinstance(nullable(member.type), ListOf):
        yield f"{member.type} is not a list, and there are no sizedFields"
    target = subgraph.schema.types.get(base_name(member.type))
    for name in sized:
        size = target.fields.get(name) if target is not None else None
        if size is not None and not isinstance(nullable(size.type), ListOf):
            yield f'the sized field "{size.coordinate}" has the type {size.type}, which is not a list'
