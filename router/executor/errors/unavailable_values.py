"""Values that are unavailable because a fetch failed elsewhere (execution §4).

A null in a non-null position propagates to its parent object and discards the other fields of the same fetch. If
another fetch returns the rest of the object, the discarded fields need errors of their own:

    fetch 0   {user: {id name}}    fetch 1   {user: null}, "broken" at user.rating!    (it selects {rating stars})
    data      {user: {id name rating: null stars: null}}    errors at user.rating and at user.stars

The fields of a fetch that is not sent, because an input of the fetch is unknown, are unavailable in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from router.executor.interpreter.rewrites import rename_in_path
from router.plan import OutputField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.errors import PathSegment, ResponsePath
    from router.plan import Fetch, OutputSelection

# The response keys of an object. Each key maps to the response keys of its value: {"user": {"id": {}, "name": {}}}.
KeyTree: TypeAlias = "dict[str, KeyTree]"


class UnavailableValues:
    """The paths of unavailable fields and list items, each with the unavailable keys below the path.

    The keys below a path are used if another fetch returns an object at that path.
    """

    def __init__(self) -> None:
        self.below: dict[ResponsePath, KeyTree] = {}

    def __bool__(self) -> bool:
        return bool(self.below)

    def add(self, paths: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add the values at `paths` with the keys below them; return the paths."""
        paths = list(paths)
        for path in paths:
            known = self.below.get(path)
            self.below[path] = keys if known is None else _united(known, keys)
        return paths

    def add_fields(self, objects: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add the fields `keys` of each object in `objects`; return the paths of the fields."""
        objects = list(objects)
        return [path for key, below in keys.items() for path in self.add([(*each, key) for each in objects], below)]

    def is_unavailable(self, path: ResponsePath, value: object) -> bool:
        """Return whether `value` is null because it is unavailable.

        If another fetch returned a value at `path`, the keys below the path become unavailable fields of its objects.
        """
        keys = self.below.get(path)
        if keys is None:
            return False
        if keys and value is not None:
            self.add_fields(_objects(path, value), keys)
        return value is None


def output_keys(fetch: Fetch) -> KeyTree:
    """Return the keys that a fetch adds to the client's response: on the root, or on its entities of any type."""
    keys: KeyTree = {}
    for path in _paths(fetch.selections, ()):
        below = keys
        for key in rename_in_path(fetch.output_rewrites, path):
            below = below.setdefault(str(key), {})
    return keys


def keys_at(keys: KeyTree, path: ResponsePath) -> KeyTree:
    """Return the keys below `path`; list indexes in the path are ignored."""
    for segment in path:
        if isinstance(segment, str):
            keys = keys.get(segment, {})
    return keys


def root_keys(fetch: Fetch) -> dict[str, None]:
    """Return the distinct response keys that a root fetch selects on the root, in the order of the fetch."""
    return dict.fromkeys(field.key for field in _fields(fetch.selections))


def length_to_null(value: object, path: ResponsePath) -> int:
    """Return the number of segments of `path` before the first null; all segments if no value on the path is null."""
    for length, segment in enumerate(path):
        if value is None:
            return length
        value = value_at(value, segment)
    return len(path)


def value_at(value: object, segment: PathSegment) -> object:
    """Return the value under one segment of a path; None if there is no such value."""
    match value:
        case dict():
            return value.get(segment)
        case list() if isinstance(segment, int) and segment < len(value):
            return value[segment]
    return None


def _united(first: KeyTree, second: KeyTree) -> KeyTree:
    both = {key: _united(first[key], second[key]) for key in first if key in second}
    return first | second | both


def _objects(path: ResponsePath, value: object) -> Iterator[ResponsePath]:
    if isinstance(value, dict):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects((*path, index), item)


def _paths(selections: Iterable[OutputSelection], above: ResponsePath) -> Iterator[ResponsePath]:
    for field in _fields(selections):
        path = (*above, field.key)
        if field.selections:
            yield from _paths(field.selections, path)
        else:
            yield path


def _fields(selections: Iterable[OutputSelection]) -> Iterator[OutputField]:
    for selection in selections:
        if isinstance(selection, OutputField):
            yield selection
        else:
            yield from _fields(selection.selections)
