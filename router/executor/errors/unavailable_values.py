"""Values that are unavailable because a fetch failed elsewhere (execution §4).

A null in a non-null position propagates to its parent object and discards the other fields of the same fetch. Another
fetch may bring the rest of the object; the discarded fields then need errors of their own:

    fetch 0   {user: {id name}}    fetch 1   {user: null}, "broken" at user.rating!    (it selects {rating stars})
    data      {user: {id name rating: null stars: null}}    errors at user.rating and at user.stars

Values that no fetch could ask for, because an input of it failed, are unavailable in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from router.executor.interpreter.rewrites import rename_in_path
from router.plan import OutputField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.errors import PathSegment, ResponsePath
    from router.plan import Fetch, OutputSelection

# The response keys of an object, and below each key those of the objects there.
KeyTree: TypeAlias = "dict[str, KeyTree]"


class UnavailableValues:
    """The paths of unavailable fields and list items, each with the unavailable keys below it.

    The keys below a path count where another fetch brings an object at that path.
    """

    def __init__(self) -> None:
        self.below: dict[ResponsePath, KeyTree] = {}

    def __bool__(self) -> bool:
        return bool(self.below)

    def add(self, paths: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add the values at `paths` with these keys below; returns the paths."""
        paths = list(paths)
        for path in paths:
            known = self.below.get(path)
            self.below[path] = keys if known is None else _united(known, keys)
        return paths

    def add_fields(self, objects: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add these fields of the objects at the paths; returns the paths of the fields."""
        objects = list(objects)
        return [path for key, below in keys.items() for path in self.add([(*each, key) for each in objects], below)]

    def is_unavailable(self, path: ResponsePath, value: object) -> bool:
        """Whether `value` is null because it is unavailable.

        When another fetch brought a value at `path`, the unavailable keys below move to the objects in it.
        """
        keys = self.below.get(path)
        if keys is None:
            return False
        if keys and value is not None:
            self.add_fields(_objects(path, value), keys)
        return value is None


def output_keys(fetch: Fetch) -> KeyTree:
    """The keys of the client's response that a fetch brings: on the root, or on its entities whatever their type."""
    keys: KeyTree = {}
    for path in _paths(fetch.selections, ()):
        below = keys
        for key in rename_in_path(fetch.output_rewrites, path):
            below = below.setdefault(str(key), {})
    return keys


def keys_at(keys: KeyTree, path: ResponsePath) -> KeyTree:
    """The keys of an object further down."""
    for segment in path:
        if isinstance(segment, str):
            keys = keys.get(segment, {})
    return keys


def root_keys(fetch: Fetch) -> dict[str, None]:
    """The response keys that a root fetch selects on the root, in its order and without repetition."""
    return dict.fromkeys(field.key for field in _fields(fetch.selections))


def length_to_null(value: object, path: ResponsePath) -> int:
    """The number of segments of `path` up to the first null; the whole length when there is no null before its end."""
    for length, segment in enumerate(path):
        if value is None:
            return length
        value = value_at(value, segment)
    return len(path)


def value_at(value: object, segment: PathSegment) -> object:
    """The value under one segment of a path, None when there is none."""
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
