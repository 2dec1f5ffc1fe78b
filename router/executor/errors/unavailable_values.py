"""What is unknown because a fetch failed elsewhere (§4).

A null that may not be there takes along the object around it, with all that the same fetch was to bring of it. Another
fetch may bring the rest, and the error of the null is at none of the fields that are missing now:

    fetch 0   {user: {id name}}    fetch 1   {user: null}, "broken" at user.rating!    (it was to bring {rating stars})
    data      {user: {id name rating: null stars: null}}    error at user.rating; user.stars is lost

The same holds for what could not be asked for at all.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, parse

from router.executor.interpreter.rewrites import rename_in_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import SelectionSetNode

    from router.errors import PathSegment, ResponsePath
    from router.plan import Fetch

# Fetches whose keys are kept: a gateway keeps plans by the thousand, most with one root fetch.
KEPT: Final = 4096
# The response keys of an object, and below each of them those of the objects there.
KeyTree: TypeAlias = "dict[str, KeyTree]"


class Losses:
    """What is lost, by path: a field or an item of a list, with what is lost below where another fetch brings it."""

    def __init__(self) -> None:
        self.below: dict[ResponsePath, KeyTree] = {}

    def __bool__(self) -> bool:
        return bool(self.below)

    def add(self, paths: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Lose what is at the paths and these keys below it; the answer is the paths."""
        paths = list(paths)
        for path in paths:
            known = self.below.get(path)
            self.below[path] = keys if known is None else _united(known, keys)
        return paths

    def add_fields(self, objects: Iterable[ResponsePath], keys: KeyTree) -> list[ResponsePath]:
        """Lose these fields of objects; the answer is their paths."""
        objects = list(objects)
        return [path for key, below in keys.items() for path in self.add([(*each, key) for each in objects], below)]

    def is_lost(self, path: ResponsePath, value: object) -> bool:
        """Whether this is a null because it is lost; of a value that is there the fields below are taken note of."""
        keys = self.below.get(path)
        if keys is None:
            return False
        if keys and value is not None:
            self.add_fields(_objects(path, value), keys)
        return value is None


def _united(first: KeyTree, second: KeyTree) -> KeyTree:
    both = {key: _united(first[key], second[key]) for key in first if key in second}
    return first | second | both


def _objects(path: ResponsePath, value: object) -> Iterator[ResponsePath]:
    if isinstance(value, dict):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects((*path, index), item)


@lru_cache(maxsize=KEPT)
def asked(fetch: Fetch) -> KeyTree:
    """The keys of the client's response that a fetch was to fill: those of its entities, whatever their type.

    Each of a thousand objects that are lost wants to know them, so they are kept; nobody changes them.
    """
    selections = _operation(fetch).selection_set
    if fetch.requires:
        ((_, entities),) = _selected(selections)
        selections = entities or selections
    keys: KeyTree = {}
    for path in _paths(selections, ()):
        below = keys
        for key in rename_in_path(fetch.output_rewrites, path):
            below = below.setdefault(str(key), {})
    return keys


def keys_at(keys: KeyTree, path: ResponsePath) -> KeyTree:
    """The part of the keys that belongs to an object further down."""
    for segment in path:
        if isinstance(segment, str):
            keys = keys.get(segment, {})
    return keys


@lru_cache(maxsize=KEPT)
def root_keys(fetch: Fetch) -> tuple[str, ...]:
    """The response keys a root fetch asks for; every run of a plan wants to know them."""
    return tuple(dict.fromkeys(key for key, _ in _selected(_operation(fetch).selection_set)))


def length_to_null(value: object, path: ResponsePath) -> int:
    """How far down a path there is something: its whole length where only the end of it is null."""
    for length, segment in enumerate(path):
        if value is None:
            return length
        value = value_at(value, segment)
    return len(path)


def value_at(value: object, segment: PathSegment) -> object:
    """What a segment of a path leads to, None if to nothing."""
    match value:
        case dict():
            return value.get(segment)
        case list() if isinstance(segment, int) and segment < len(value):
            return value[segment]
    return None


def _paths(selections: SelectionSetNode, above: ResponsePath) -> Iterator[ResponsePath]:
    for key, below in _selected(selections):
        path = (*above, key)
        if below is None:
            yield path
        else:
            yield from _paths(below, path)


def _operation(fetch: Fetch) -> OperationDefinitionNode:
    operation = parse(fetch.operation, no_location=True).definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise TypeError("a fetch holds an operation")
    return operation


def _selected(selections: SelectionSetNode) -> Iterator[tuple[str, SelectionSetNode | None]]:
    for node in selections.selections:
        match node:
            case FieldNode():
                yield (node.alias or node.name).value, node.selection_set
            case InlineFragmentNode():
                yield from _selected(node.selection_set)
