"""Choose the fetch whose response is decoded directly into the objects of the client's response (execution §3.6).

Several fetches can return objects at the same place. The objects of one fetch, the *creator*, can then become the
objects of the response, and the objects of all other fetches are merged into them:

    fetch 0   products {upc size {width}}      creates the objects at products.@ and at products.@.size
    fetch 1   at products.@: size {height}     is merged into the objects at products.@.size

A creator must meet two conditions:

- It is merged before all other fetches that return the objects.
- If places of the response need different objects, it returns a separate object for each of these places. Places with
  the same representation get the same entity, and share all objects in it. Places need different objects if another
  fetch can return different values for them, or if a fetch reads different arguments from their ancestors.

If the first fetch does not meet both conditions, every fetch is merged into new objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.response_shape import ObjectShape


def choose_creators(root: ObjectShape, steps: Mapping[int, StepShape], before: Callable[[int], set[int]]) -> None:
    """Set `creator` of each shape.

    Args:
        root: The shape of the root object, with the fields of all fetches.
        steps: Id of a fetch → the fetch with its shape.
        before: Returns the ids of the fetches whose results are merged before a fetch starts.
    """
    for shape in root.all_shapes():
        if shape.sources and _can_create(shape, steps, before):
            shape.creator = shape.sources[0]


def _can_create(shape: ObjectShape, steps: Mapping[int, StepShape], before: Callable[[int], set[int]]) -> bool:
    """Return whether the first fetch that returns the objects can be their creator."""
    first, *others = shape.sources
    if not all(first in before(other) for other in others):
        return False
    if steps[first].target.parent is None:
        return True
    shared = _nearest_shared(shape, first)
    return all(_is_below(steps[other].target, shared) for other in others) and all(
        _is_below(ancestor, shared) for ancestor in shape.context_ancestors
    )


def _nearest_shared(shape: ObjectShape, fetch: int) -> ObjectShape:
    """Return the shape of the nearest ancestors that `fetch` does not create.

    If two of these ancestors have the same representation, they share all objects that `fetch` creates below them.
    """
    while shape.parent is not None:
        shape = shape.parent[0]
        if shape.creator != fetch:
            break
    return shape


def _is_below(shape: ObjectShape, ancestor: ObjectShape) -> bool:
    while shape.parent is not None:
        shape = shape.parent[0]
        if shape is ancestor:
            return True
    return False
