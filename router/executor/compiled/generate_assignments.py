"""Generate the lines that assign the fields of a fetched object to an object of the response (execution §3.6).

    target.name = entity.name
    if entity.rating is not None or target.rating is UNSET:       two fetches return `rating`
        target.rating = entity.rating
    target.size = merge1_4(target.size, entity.size)              two fetches return the objects in `size`

The names `entity` and `target` are the variables for the two objects.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import is_list_type

from router.executor.compiled.generate_classes import annotation, is_unchecked
from router.executor.compiled.generate_value_checks import misfit
from router.executor.compiled.response_shape import list_depth, without_non_null

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.executor.compiled.source_lines import SourceLines


@dataclass(frozen=True, slots=True)
class ReturnedFields:
    """The fields that a fetch returns for an object.

    Attributes:
        fetch: The id of the fetch.
        shape: The shape of the object.
        fields: The fields that the fetch returns on at least one of the types.
        types: The object types for which the fetch returns fields.
        sent_typenames: The interfaces in the `__typename` of the representations. The subgraph can send them back.
    """

    fetch: int
    shape: ObjectShape
    fields: tuple[FieldShape, ...]
    types: tuple[str, ...]
    sent_typenames: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def annotation(self, field: FieldShape) -> str:
        """Return the type annotation of a field in the class for the fetched object."""
        return annotation(field, self.fetch, self.shape, self.types, tuple(self.sent_typenames))


def merge_function(shape: ObjectShape, fetch: int) -> str:
    """Return the name of the function that merges an object of the fetch into an object of the shape."""
    return f"merge{fetch}_{shape.number}"


def refined_typename(returned: ReturnedFields, typename: str) -> str:
    """Return the expression for the more precise of two type names.

    The names are the `__typename` of `target` and the value of the expression `typename`.
    """
    shape = returned.shape
    assert shape.typename is not None  # noqa: S101 - the caller has checked it
    interfaces = {**returned.sent_typenames, **shape.interfaces}
    return f"refined(target.{shape.typename.attribute}, {typename}, {interfaces!r})"


def write_assignments(lines: SourceLines, returned: ReturnedFields, typename: str) -> None:
    """Write the lines for an object of the type `typename`. Fields that the type does not have must be absent."""
    for field in returned.fields:
        value = f"entity.{field.attribute}"
        may_be_absent = "UNSET" in returned.annotation(field)
        if returned.fetch not in field.sources.get(typename, ()):
            if may_be_absent:
                _add_misfit(lines, f"{value} is not UNSET")
            continue
        if may_be_absent:
            _add_misfit(lines, f"{value} is UNSET")
        _write_value(lines, returned, field, typename)


def _write_value(lines: SourceLines, returned: ReturnedFields, field: FieldShape, typename: str) -> None:
    """Write the assignment of one field. Null does not replace the value from another fetch (execution §3.6)."""
    value, place = f"entity.{field.attribute}", f"target.{field.attribute}"
    if field.child is not None and field.is_merged(returned.fetch):
        function, depth = merge_function(field.child, returned.fetch), list_depth(field.types[typename])
        merged = f"merged_lists({place}, {value}, {function}, {depth})" if depth else f"{function}({place}, {value})"
        lines.add(f"{place} = {merged}")
        return
    if field.is_typename and returned.shape.interfaces:
        return
    if field.is_typename and returned.sent_typenames:
        # A representation can have the name of an interface as `__typename`, and the subgraph can send this name back.
        # Then the `__typename` in the response stays, because it is more precise. Any other difference is a misfit.
        known = f"{place} is not UNSET and {value} in {tuple(returned.sent_typenames)!r}"
        _add_misfit(lines, f"{value} != {place} and not ({known})")
        return
    if not field.has_other_source(typename, returned.fetch):
        lines.add(f"{place} = {value}")
        return
    if field.is_typename and len(returned.types) > 1:
        _add_misfit(lines, f"{place} is not UNSET and {value} != {place}")
    elif _has_parts(field, typename):
        lines.add(*misfit(f"{value} is not None and {place} and {value} != {place}"))
    if "None" in returned.annotation(field).replace("Any", "None"):
        with lines.block(f"if {value} is not None or {place} is UNSET:"):
            lines.add(f"{place} = {value}")
    else:
        lines.add(f"{place} = {value}")


def _has_parts(field: FieldShape, typename: str) -> bool:
    """Return whether the value of a leaf field can be a list or an object. The interpreter merges such values."""
    is_list = is_list_type(without_non_null(field.types[typename]))
    return field.child is None and (is_list or is_unchecked(field, typename))


def _add_misfit(lines: SourceLines, condition: str) -> None:
    with lines.block(f"if {condition}:"):
        lines.add('raise Misfit("the fields of an object are not those of its type")')
