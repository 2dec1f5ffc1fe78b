"""Generate loops that lead from objects that are already collected down to other objects (execution §3.1).

    for users1 in at[1]:                       objects at users.@, which an earlier fetch has collected
        items2 = users1.reviews
        if items2:
            for index2, reviews2 in enumerate(items2):
                if reviews2:
                    ...                        each object at users.@.reviews.@

An absent and a null value are both false in Python, and so is an empty list; an object is true.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.executor.compiled.shapes import NotCompilable, list_depth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from router.executor.compiled.shapes import ObjectShape
    from router.executor.compiled.source_lines import SourceLines


@dataclass(frozen=True, slots=True)
class Walked:
    """The variable with the object, and the expression that can be assigned to put another object in its place.

    `place` is None if the loop goes over collected objects: then their places are not known.
    """

    variable: str
    place: str | None


def variable_of(shape: ObjectShape) -> str:
    """Return the name of the variable for one object."""
    last = shape.path[-1].strip("_").lower() if shape.path else "root"
    return f"{last}{shape.number}"


@contextmanager
def walk(lines: SourceLines, shape: ObjectShape, collected: Collection[int]) -> Iterator[Walked]:
    """Write the loops to each object of `shape`; what is added inside the context is done for each object.

    `collected` has the numbers of shapes whose objects are in the list `at[number]`.
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
        value = f"{above.variable}.{field.attribute}"
        place = value
        for level in range(depth):
            items, index = f"items{shape.number}_{level}", f"index{shape.number}_{level}"
            item = variable if level == depth - 1 else f"item{shape.number}_{level}"
            lines.add(f"{items} = {value}")
            blocks.enter_context(lines.block(f"if {items}:"))
            blocks.enter_context(lines.block(f"for {index}, {item} in enumerate({items}):"))
            value, place = item, f"{items}[{index}]"
        if depth == 0:
            lines.add(f"{variable} = {value}")
        blocks.enter_context(lines.block(f"if {variable}:"))
        yield Walked(variable, place)
