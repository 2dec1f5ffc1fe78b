"""Convert the errors of a subgraph response to errors of the client's response (execution §4).

    fetch at users.@, subgraph response    {"message": "no stock", "path": ["_entities", 1, "stock", 0]}
    entity 1 is at users.1 and users.4     ->   errors at users.1.stock.0 and users.4.stock.0

A *position* is the response key of a root field (for a root fetch), or the index of an entity in `_entities` (for an
entity fetch).

If the path of an error does not lead to a root field or entity, the error is reported at every root field or entity
that is null. If none of them is null, the error is reported once, at the longest common prefix of the paths of all root
fields or entities. If a whole fetch fails, the error is reported at all its root fields or entities. So every null that
a subgraph causes has an error, and completion (`graphql/completion`) does not add another error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from router.errors import DOWNSTREAM_SERVICE_ERROR, ResponseError
from router.executor.errors.unavailable_values import length_to_null
from router.executor.interpreter.rewrites import rename_in_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from router.errors import PathSegment, ResponsePath, TransportError
    from router.plan import Fetch

ENTITIES = "_entities"


class FetchTarget(msgspec.Struct, frozen=True):
    """One fetch, with the paths in the client's response at which its root fields or entities are merged.

    `places` maps the position of each root field or entity to its paths in the client's response. One position can have
    several paths.
    """

    fetch: Fetch
    places: Mapping[PathSegment, Sequence[ResponsePath]]

    def all_places(self) -> Iterator[ResponsePath]:
        """Yield the paths of all root fields or entities in the client's response."""
        for paths in self.places.values():
            yield from paths

    def objects(self) -> list[ResponsePath]:
        """Return the paths of the objects to which the fetch adds fields.

        For an entity fetch, these objects are the entities. For a root fetch, they are the parents of the root fields.
        """
        places = self.all_places()
        return list(dict.fromkeys(place if self.fetch.requires else place[:-1] for place in places))

    def locate(self, position: PathSegment, rest: ResponsePath) -> Iterator[ResponsePath]:
        """Yield all paths of a value in the client's response.

        In the subgraph response, the value has the path `rest` below the root field or entity at `position`.
        """
        renamed = self.renamed(position, rest)
        for place in self.places[position]:
            yield (*place, *renamed) if self.fetch.requires else (*place[:-1], *renamed)

    def renamed(self, position: PathSegment, rest: ResponsePath) -> ResponsePath:
        """Replace internal aliases in the path `rest` below `position` by the client's keys. Return the new path.

        For a root fetch, the returned path begins with the key of the root field. For an entity fetch, it begins below
        the entity.
        """
        return rename_in_path(self.fetch.output_rewrites, rest if self.fetch.requires else (position, *rest))


def fetch_failure(target: FetchTarget, failure: TransportError) -> list[ResponseError]:
    """Return the errors for a failed fetch: the same error at each path in `target.places`."""
    extensions: dict[str, object] = {} if failure.status is None else {"http": {"status": failure.status}}
    if failure.retry_after is not None:
        extensions["retryAfter"] = failure.retry_after
    error = ResponseError(
        message=failure.message,
        code=failure.code,
        origin=target.fetch.service_name,
        extensions=extensions,
        detail=failure.detail,
    )
    return [replace(error, path=path or None) for path in target.all_places()]


def response_errors(
    target: FetchTarget, entries: Iterable[object], values: Mapping[PathSegment, object]
) -> list[ResponseError]:
    """Convert the `errors` of a subgraph response to errors with paths in the client's response.

    Args:
        target: The fetch and its paths in the client's response.
        entries: The list `errors` as the subgraph sent it. Its elements can be any JSON values.
        values: The value of each root field or entity in the subgraph response, by position.
    """
    errors: list[ResponseError] = []
    for entry in entries:
        fields = entry if isinstance(entry, dict) else {}
        error = _without_path(target.fetch.service_name, fields)
        errors += [replace(error, path=path or None) for path in _paths(target, fields.get("path"), values)]
    return errors


def null_propagation(
    target: FetchTarget, entries: Iterable[object], values: Mapping[PathSegment, object]
) -> Iterator[tuple[list[ResponsePath], ResponsePath]]:
    """Find each object that is null in a subgraph response because a field below the object has an error.

    The arguments are the same as those of `response_errors`.

    Yields:
        For each such object, a pair: the object's paths in the client's response, and its path in the subgraph response
        (see `FetchTarget.renamed`). If there are errors but no `values`, there is only one pair. It has the paths of
        the objects to which the fetch adds fields, and the empty path.
    """
    entries = list(entries)
    if entries and not values:
        yield target.objects(), ()
        return
    objects: set[tuple[PathSegment, ResponsePath]] = set()
    for entry in entries:
        within = _within(target, entry.get("path")) if isinstance(entry, dict) else None
        if within is not None:
            position, rest = within
            length = length_to_null(values.get(position), rest)
            if length < len(rest):
                objects.add((position, rest[:length]))
    for position, rest in objects:
        yield list(target.locate(position, rest)), target.renamed(position, rest)


def _without_path(origin: str, entry: Mapping[str, object]) -> ResponseError:
    message, extensions = entry.get("message"), entry.get("extensions")
    known = dict(extensions) if isinstance(extensions, dict) else {}
    code = known.pop("code", None)
    return ResponseError(
        message=message if isinstance(message, str) else "The subgraph reported an error without a message.",
        code=code if isinstance(code, str) else DOWNSTREAM_SERVICE_ERROR,
        origin=origin,
        extensions=known,
    )


def _paths(target: FetchTarget, path: object, values: Mapping[PathSegment, object]) -> Iterable[ResponsePath]:
    within = _within(target, path)
    if within is not None:
        return target.locate(*within)
    missing = [place for key, places in target.places.items() if values.get(key) is None for place in places]
    return missing or [_common(list(target.all_places()))]


def _within(target: FetchTarget, path: object) -> tuple[PathSegment, ResponsePath] | None:
    """Split an error's path into the position of a root field or entity, and the rest of the path.

    Return None if the path does not begin with such a position.
    """
    if not isinstance(path, list) or not all(isinstance(segment, (str, int)) for segment in path):
        return None
    segments: ResponsePath = tuple(path)
    if target.fetch.requires:
        if len(segments) < 2 or segments[0] != ENTITIES:  # noqa: PLR2004 - `_entities` and the index
            return None
        segments = segments[1:]
    if not segments or segments[0] not in target.places:
        return None
    return (segments[0], segments[1:])


def _common(paths: Sequence[ResponsePath]) -> ResponsePath:
    shared: list[PathSegment] = []
    for segments in zip(*paths, strict=False):
        if len(set(segments)) > 1:
            break
        shared.append(segments[0])
    return tuple(shared)
