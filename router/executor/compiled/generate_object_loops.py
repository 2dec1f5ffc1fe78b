"""Generate loops over objects at a path (execution §3.1).

The outermost loop runs over objects that an earlier function has collected, or over the root:

    for users1 in at[1]:                       each object at users.@
        items2 = users1.reviews
        if items2:
            for reviews2 in items2:
                if reviews2:
                    ...                        each object at users.@.reviews.@

`if reviews2` skips nulls and absent values, because None and `UNSET` are false in Python. An object is always true.
The condition is left out for lists whose items are never null.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import is_list_type, is_non_null_type

from router.executor.compiled.response_shape import NotCompilable, list_depth, without_non_null

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from graphql import GraphQLOutputType

    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.executor.compiled.source_lines import SourceLines


@dataclass(frozen=True, slots=True)
class Walked:
    """The names for one object in the body of a generated loop.

    Attributes:
        variable: The variable that contains the object.
        place: The expression from which the object is read, such as `items2[index2]`. An assignment to this expression
            replaces the object in the response. None if it is not needed, or if the loop runs over collected objects.
    """

    variable: str
    place: str | None


def variable_of(shape: ObjectShape) -> str:
    """Return the name of the variable for an object of the shape, such as `users1`."""
    last = shape.path[-1].strip("_").lower() if shape.path else "root"
    return f"{last}{shape.number}"


@contextmanager
def walk(
    lines: SourceLines, shape: ObjectShape, collected: Collection[int], *, needs_place: bool = False
) -> Iterator[Walked]:
    """Write loops over all objects of `shape`. Lines that are added inside the `with` block are the body of the loops.

    `collected` has the numbers of the shapes whose objects have been collected. `at[number]` has these objects. If
    `needs_place` is True, the loops also count the items of lists, so that `Walked.place` is known.
    """
    variable = variable_of(shape)
    if shape.number in collected or shape.parent is None:
        with lines.block(f"for {variable} in at[{shape.number}]:"):
            yield Walked(variable, None)
        return
    parent, field = shape.parent
    depths = {list_depth(type_) for type_ in field.types.values()}
    if len(depths) > 1:
        raise NotCompilable("the number of lists depends on the type of the object")
    depth = depths.pop()
    with walk(lines, parent, collected) as above, ExitStack() as blocks:
        value = place = f"{above.variable}.{field.attribute}"
        for level in range(depth):
            items, index = f"items{shape.number}_{level}", f"index{shape.number}_{level}"
            is_last = level == depth - 1
            item = variable if is_last else f"item{shape.number}_{level}"
            lines.add(f"{items} = {value}")
            blocks.enter_context(lines.block(f"if {items}:"))
            counted = f"{index}, {item} in enumerate({items})" if needs_place and is_last else f"{item} in {items}"
            blocks.enter_context(lines.block(f"for {counted}:"))
            value, place = item, f"{items}[{index}]"
        if depth == 0:
            lines.add(f"{variable} = {value}")
        if depth == 0 or not _has_objects_only(field):
            blocks.enter_context(lines.block(f"if {variable}:"))
        yield Walked(variable, place if needs_place else None)


def _has_objects_only(field: FieldShape) -> bool:
    """Return whether the innermost lists in a field never contain null. The decoder has checked their items."""
    return all(is_non_null_type(_innermost_item(type_)) for type_ in field.types.values())


def _innermost_item(type_: GraphQLOutputType) -> GraphQLOutputType:
    while is_list_type(inner := without_non_null(type_)):
        type_ = inner.of_type
    return type_
