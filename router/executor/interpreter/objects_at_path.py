"""Find the objects to which a fetch adds fields. The `Flatten` node of the fetch has their path (execution §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import Each, Key, Parent, TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.errors import ResponsePath
    from router.executor.context_and_result import JsonObject
    from router.plan import Path


class ResponsePlace(msgspec.Struct, frozen=True):
    """An object of the response tree and its path."""

    path: ResponsePath
    object: JsonObject


def collect(root: JsonObject, path: Path) -> list[ResponsePlace]:
    """Return all objects at `path` in the order of the response, without null and absent values (execution §3.1)."""
    return [ResponsePlace(place, value) for place, value in _walk(root, path, ()) if isinstance(value, dict)]


def _walk(value: object, path: Path, walked: ResponsePath) -> Iterator[tuple[ResponsePath, object]]:
    if not path:
        yield walked, value
        return
    step, rest = path[0], path[1:]
    match step:
        case Key(name=name):
            if isinstance(value, dict) and name in value:
                yield from _walk(value[name], rest, (*walked, name))
        case Each():
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from _walk(item, rest, (*walked, index))
        case TypeIs(types=types):
            if isinstance(value, dict) and value.get(TYPENAME) in types:
                yield from _walk(value, rest, walked)
        case Parent():
            raise ValueError("a Flatten path must not lead to a parent")


def ancestor(root: JsonObject, path: ResponsePath) -> ResponsePlace:
    """Return the object that directly contains the object at `path`. Lists between the two objects are skipped.

    Raises:
        TypeError: `path` goes through a value that is neither an object nor a list.
    """
    above = path
    while above and isinstance(above[-1], int):
        above = above[:-1]
    above = above[:-1]
    while above and isinstance(above[-1], int) and not isinstance(_at(root, above), dict):
        above = above[:-1]
    found = _at(root, above)
    if not isinstance(found, dict):
        raise TypeError("only objects and lists can contain an object")
    return ResponsePlace(above, found)


def _at(root: object, path: ResponsePath) -> object:
    value = root
    for segment in path:
        match value, segment:
            case list(), int():
                value = value[segment]
            case dict(), str():
                value = value[segment]
            case _:
                raise TypeError("the response tree has no value at the path")
    return value
