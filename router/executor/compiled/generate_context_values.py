"""Generate the lines that read the values of `@fromContext` arguments of an object (execution §3.10).

In the example, `product1` is the object that contains `offer2`, and the fetch has an argument that is read from
`product1.currency`:

    values = {}
    if product1.typename_ in ('Product',):
        if product1.currency is UNSET:
            raise Misfit("a value does not fit its type")
        values['Offer_price_currency'] = product1.currency
    group = context_group(groups, values)

All objects with the same values have the same group, and each group is sent in a request of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.compiled.generate_classes import is_unchecked
from router.executor.compiled.generate_object_loops import variable_of
from router.executor.compiled.generate_value_checks import misfit, value_checks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.executor.compiled.find_context_ancestors import ContextValue
    from router.executor.compiled.source_lines import SourceLines


def write_context_group(lines: SourceLines, context: Iterable[ContextValue]) -> None:
    """Write the lines for one object. The caller has written the loops that reach the object."""
    lines.add("values = {}")
    for value in context:
        typename = value.ancestor.typename
        assert typename is not None  # noqa: S101 - `context_values` has checked it
        ancestor = variable_of(value.ancestor)
        place = f"{ancestor}.{value.source.attribute}"
        with lines.block(f"if {ancestor}.{typename.attribute} in {value.types!r}:"):
            lines.add(*misfit(f"{place} is UNSET"))
            for name in value.types:
                if not value.source.is_nullable(name):
                    lines.add(*misfit(f"{place} is None"))
                    break
            if is_unchecked(value.source, value.types[0]):
                lines.add(*value_checks(place, value.source.types[value.types[0]], 0))
            lines.add(f"values[{value.variable!r}] = {place}")
    lines.add("group = context_group(groups, values)")
    for name in ("seen", "representations", "objects", "positions"):
        lines.add(f"{name} = group.{name}")
