"""Record *unavailable* values: they could not be fetched because of an error at another value (execution §4).

In the response to a fetch, a null in a non-null position propagates to its parent object. The null discards the other
fields that this fetch selects on the object. If another fetch returns the object, the discarded fields are null in the
client's response, and each of them needs its own error:

    fetch 0 selects {user {id name}}        response {user: {id: 1, name: "a"}}
    fetch 1 selects {user {rating stars}}   response {user: null}, with an error at user.rating, whose type is `Int!`
    data of the client's response           {user: {id: 1, name: "a", rating: null, stars: null}}
    errors of the client's response         at user.rating and at user.stars

If an object's input to a fetch could not be fetched, the fetch is not sent for this object. The fields that the fetch
selects on the object are then unavailable too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from router.executor.interpreter.rewrites import rename_in_path
from router.plan import OutputField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.errors import PathSegment, ResponsePath
    from router.plan import Fetch, OutputSelection

# Response keys as a tree. {user {id name}} has the tree {"user": {"id": {}, "name": {}}}.
KeyTree: TypeAlias = "dict[str, KeyTree]"


class UnavailableValues:
    """The values that a fetch could not deliver because of an error.

    `below` maps the path of each value to the response keys that the failed fetch would have filled below the path.
    Another fetch can still return an object at the path. Then only the fields with these keys are unavailable.
    """

    def __init__(self) -> None:
        self.below: dict[ResponsePath, KeyTree] = {}

    def __bool__(self) -> bool:
        return bool(self.below)

    def add(self, paths: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add the values at `paths`; `keys` are the response keys below each value. Return `paths` as a list."""
        paths = list(paths)
        for path in paths:
            known = self.below.get(path)
            self.below[path] = keys if known is None else _united(known, keys)
        return paths

    def add_fields(self, objects: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Add the fields `keys` of the objects at the paths `objects`. Return the paths of the fields."""
        objects = list(objects)
        return [path for key, below in keys.items() for path in self.add([(*each, key) for each in objects], below)]

    def is_unavailable(self, path: ResponsePath, value: object) -> bool:
        """Return whether `value` is null because it could not be fetched.

        `path` is the path of `value` in the response tree. The value may have been recorded as unavailable, although
        another fetch returned an object or a list at `path`. Then this method records that only the missing fields of
        the object, or of each object in the list, are unavailable.
        """
        keys = self.below.get(path)
        if keys is None:
            return False
        if keys and value is not None:
            self.add_fields(_objects(path, value), keys)
        return value is None


def output_keys(fetch: Fetch) -> KeyTree:
    """Return the response keys that a fetch adds to its objects. One tree contains the keys for all object types."""
    keys: KeyTree = {}
    for path in _paths(fetch.selections, ()):
        below = keys
        for key in rename_in_path(fetch.output_rewrites, path):
            below = below.setdefault(str(key), {})
    return keys


def keys_at(keys: KeyTree, path: ResponsePath) -> KeyTree:
    """Return the subtree of `keys` at `path`, empty if there is none. List indexes in `path` are ignored."""
    for segment in path:
        if isinstance(segment, str):
            keys = keys.get(segment, {})
    return keys


def root_keys(fetch: Fetch) -> dict[str, None]:
    """Return the response keys that a root fetch selects on the root, in order, as the keys of a dict."""
    return dict.fromkeys(field.key for field in _fields(fetch.selections))


def length_to_null(value: object, path: ResponsePath) -> int:
    """Follow `path` from `value`, and return the number of segments before the first null.

    If no value on the path is null, return the number of all segments.
    """
    for length, segment in enumerate(path):
        if value is None:
            return length
        value = value_at(value, segment)
    return len(path)


def value_at(value: object, segment: PathSegment) -> object:
    """Return the value at a response key or list index of `value`; None if there is no such key or index."""
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
