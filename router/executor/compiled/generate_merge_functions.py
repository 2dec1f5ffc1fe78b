"""Generate the functions that merge the objects of a fetch into the objects of the response (execution §3.6).

Several fetches can return objects at the same place (`choose_fetch_that_creates_objects`). In the example, fetch 1
returns `size {height}` for a product. Another fetch returns `size {width}`, before or after fetch 1:

    def merge1_4(target, entity):                  `target` is a `Size4`, None, or `UNSET`
        if entity is None or target is None:
            return merged_null(target, entity)
        if target is UNSET:
            target = Size4(width=UNSET, height=UNSET)
        target.height = entity.height
        return target

Three cases are misfits, which the interpreter handles: only one of the two values is null, two objects have different
types, or two lists have different lengths. For example, if a fetch returns null for an object that another fetch
returns, the fields of the first fetch are missing, and the interpreter reports them as errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.compiled.generate_assignments import (
    ReturnedFields,
    merge_function,
    refined_typename,
    write_assignments,
)
from router.executor.compiled.generate_classes import empty_object
from router.executor.compiled.response_shape import NotCompilable

if TYPE_CHECKING:
    from router.executor.compiled.response_shape import ObjectShape
    from router.executor.compiled.source_lines import SourceLines


def write_merge(lines: SourceLines, shape: ObjectShape, fetch: int, *, typename_is_implied: bool) -> None:
    """Write the function that merges an object of the fetch into an object of the shape.

    If `typename_is_implied` is True, the class of the shape has a default for its hidden `__typename`.
    """
    fields = tuple(field for field in shape.fields.values() if field.brought_by(fetch, shape.types))
    returned = ReturnedFields(fetch, shape, fields, shape.types)
    with lines.block(f"def {merge_function(shape, fetch)}(target, entity):"):
        with lines.block("if entity is None or target is None:"):
            lines.add("return merged_null(target, entity)")
        with lines.block("if target is UNSET:"):
            lines.add(f"target = {empty_object(shape, typename_is_implied=typename_is_implied)}")
        if len(shape.types) == 1:
            write_assignments(lines, returned, shape.types[0])
        else:
            _write_by_type(lines, shape, returned)
        lines.add("return target")
    lines.add("", "")


def _write_by_type(lines: SourceLines, shape: ObjectShape, returned: ReturnedFields) -> None:
    typename = shape.typename
    if typename is None or len(typename.brought_by(returned.fetch, shape.types)) < len(shape.types):
        raise NotCompilable("the type of an object is not fetched")
    lines.add(f"typename = entity.{typename.attribute}")
    if shape.interfaces:
        lines.add(f"target.{typename.attribute} = {refined_typename(returned, 'typename')}")
    for name in shape.types:
        with lines.block(f"if typename == {name!r}:"):
            write_assignments(lines, returned, name)
