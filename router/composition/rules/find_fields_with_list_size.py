"""Find the fields with `@listSize`, and read the names of fields and arguments that the directive contains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import python_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, FieldDef


def fields_with_list_size(subgraph: SubgraphMetadata, *, from_cost_spec: bool) -> Iterator[tuple[FieldDef, Applied]]:
    """Yield `(field, directive)` for each field with `@listSize`.

    If `from_cost_spec` is True, only the `@listSize` of a linked cost specification counts. Otherwise, only the
    `@listSize` of the federation specification counts.
    """
    for _, member in subgraph.schema.fields():
        if not member.directives:
            continue
        for applied in member.applied("listSize"):
            if subgraph.schema.is_federations(applied) is not from_cost_spec:
                yield member, applied


def names(applied: Applied, argument: str) -> list[str]:
    """Return the names in the argument `argument` of a directive: `a` and `b` for `slicingArguments: ["a", "b"]`.

    `slicingArguments: "a"` means the same as `slicingArguments: ["a"]` (GraphQL specification, "List", input coercion).
    """
    value = python_value(applied.arguments.get(argument))
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item) for item in items]
