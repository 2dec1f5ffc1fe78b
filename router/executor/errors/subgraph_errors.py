"""From a subgraph's answer to errors of the client's response (§4).

    fetch at users.@, subgraph says    {"message": "no stock", "path": ["_entities", 1, "stock", 0]}
    entity 1 stands at users.1, users.4   ->   paths users.1.stock.0 and users.4.stock.0

An error without a usable path is told where the answer left nothing; if it left nothing out, at the place the objects
of the fetch have in common. A fetch that failed as a whole is told at each object it leaves without data. So every
null a subgraph causes has an error at it, and completion need not invent one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.errors import ResponseError
from router.executor.errors.unavailable_values import length_to_null
from router.executor.interpreter.rewrites import rename_in_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from router.errors import PathSegment, ResponsePath, TransportError
    from router.plan import Fetch

ENTITIES = "_entities"
# What a subgraph's error is called that names no code of its own; clients know it from other routers.
DEFAULT_CODE = "DOWNSTREAM_SERVICE_ERROR"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the results of one request belong.

    `places` gives for each root position (a response key of a root fetch; the index of an entity) its paths in the
    client's response.
    """

    fetch: Fetch
    places: Mapping[PathSegment, Sequence[ResponsePath]]

    def all_places(self) -> Iterator[ResponsePath]:
        for paths in self.places.values():
            yield from paths

    def objects(self) -> list[ResponsePath]:
        """The objects that the request is about: the entities, or those its root fields become part of."""
        places = self.all_places()
        return list(dict.fromkeys(place if self.fetch.requires else place[:-1] for place in places))

    def locate(self, position: PathSegment, rest: ResponsePath) -> Iterator[ResponsePath]:
        """The paths in the client's response of something below a root position."""
        named = self.named(position, rest)
        for place in self.places[position]:
            yield (*place, *named) if self.fetch.requires else (*place[:-1], *named)

    def named(self, position: PathSegment, rest: ResponsePath) -> ResponsePath:
        """The path of something in the answer by the keys of the client's response, below an entity from there."""
        return rename_in_path(self.fetch.output_rewrites, rest if self.fetch.requires else (position, *rest))


def transport_failure(delivery: Delivery, failure: TransportError) -> list[ResponseError]:
    """The subgraph gave no answer at all."""
    extensions: dict[str, object] = {} if failure.status is None else {"http": {"status": failure.status}}
    if failure.retry_after is not None:
        extensions["retryAfter"] = failure.retry_after
    error = ResponseError(
        message=failure.message,
        code=failure.code,
        origin=delivery.fetch.service_name,
        extensions=extensions,
        detail=failure.detail,
    )
    return [replace(error, path=path or None) for path in delivery.all_places()]


def reported(
    delivery: Delivery, entries: Iterable[object], answered: Mapping[PathSegment, object]
) -> list[ResponseError]:
    """The subgraph answered and reported `entries`; `answered` holds what came back at each root position."""
    errors: list[ResponseError] = []
    for entry in entries:
        fields = entry if isinstance(entry, dict) else {}
        error = _without_path(delivery.fetch.service_name, fields)
        errors += [replace(error, path=path or None) for path in _paths(delivery, fields.get("path"), answered)]
    return errors


def taken_along(
    delivery: Delivery, entries: Iterable[object], answered: Mapping[PathSegment, object]
) -> Iterator[tuple[list[ResponsePath], ResponsePath]]:
    """The objects that are null because something below them failed: their paths in the response, and in the answer."""
    entries = list(entries)
    if entries and not answered:
        yield delivery.objects(), ()
        return
    objects: set[tuple[PathSegment, ResponsePath]] = set()
    for entry in entries:
        within = _within(delivery, entry.get("path")) if isinstance(entry, dict) else None
        if within is not None:
            position, rest = within
            length = length_to_null(answered.get(position), rest)
            if length < len(rest):
                objects.add((position, rest[:length]))
    for position, rest in objects:
        yield list(delivery.locate(position, rest)), delivery.named(position, rest)


def _without_path(origin: str, entry: Mapping[str, object]) -> ResponseError:
    message, extensions = entry.get("message"), entry.get("extensions")
    known = dict(extensions) if isinstance(extensions, dict) else {}
    code = known.pop("code", None)
    return ResponseError(
        message=message if isinstance(message, str) else "The subgraph reported an error without a message.",
        code=code if isinstance(code, str) else DEFAULT_CODE,
        origin=origin,
        extensions=known,
    )


def _paths(delivery: Delivery, path: object, answered: Mapping[PathSegment, object]) -> Iterable[ResponsePath]:
    within = _within(delivery, path)
    if within is not None:
        return delivery.locate(*within)
    missing = [place for key, places in delivery.places.items() if answered.get(key) is None for place in places]
    return missing or [_common(list(delivery.all_places()))]


def _within(delivery: Delivery, path: object) -> tuple[PathSegment, ResponsePath] | None:
    """Root position and path below it, when the path is one and leads to something this request asked for."""
    if not isinstance(path, list) or not all(isinstance(segment, (str, int)) for segment in path):
        return None
    segments: ResponsePath = tuple(path)
    if delivery.fetch.requires:
        if len(segments) < 2 or segments[0] != ENTITIES:  # noqa: PLR2004 - the field and the index of the entity
            return None
        segments = segments[1:]
    if not segments or segments[0] not in delivery.places:
        return None
    return (segments[0], segments[1:])


def _common(paths: Sequence[ResponsePath]) -> ResponsePath:
    shared: list[PathSegment] = []
    for segments in zip(*paths, strict=False):
        if len(set(segments)) > 1:
            break
        shared.append(segments[0])
    return tuple(shared)
