"""Collect the failures of one execution: the errors of each fetch, and the values that could not be fetched.

`data_of` reads one response of a subgraph: it records the errors, and returns the data (execution §4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.errors import SubgraphMalformedResponse
from router.executor.errors.error_translation import (
    ENTITIES,
    FetchTarget,
    fetch_failure,
    null_propagation,
    response_errors,
)
from router.executor.errors.recorded_error_paths import RecordedErrorPaths
from router.executor.errors.unavailable_values import UnavailableValues, keys_at, output_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.errors import PathSegment, ResponseError, ResponsePath
    from router.executor.context_and_result import JsonObject
    from router.executor.errors.unavailable_values import KeyTree
    from router.plan import Fetch


class ExecutionFailures(msgspec.Struct):
    """The failures of one execution so far.

    Attributes:
        paths: The paths of all errors.
        unavailable: The values that could not be fetched.
        errors_by_fetch: The errors of each fetch, by the id of the fetch.
        keys_by_fetch: A cache of the results of `output_keys`, by the id of the fetch.
    """

    paths: RecordedErrorPaths = msgspec.field(default_factory=RecordedErrorPaths)
    unavailable: UnavailableValues = msgspec.field(default_factory=UnavailableValues)
    errors_by_fetch: dict[int, list[ResponseError]] = msgspec.field(default_factory=dict)
    keys_by_fetch: dict[int, KeyTree] = msgspec.field(default_factory=dict)

    def errors(self) -> list[ResponseError]:
        """Return all errors in the order of the fetches in the plan, whichever response arrived first."""
        return [error for _, errors in sorted(self.errors_by_fetch.items()) for error in errors]

    def data_of(self, target: FetchTarget, response: Mapping[str, object] | None) -> JsonObject:
        """Record the errors of a response, and return its data; empty if there is no valid data (execution §4)."""
        if response is None:
            return {}
        try:
            values = _values(target, response)
        except SubgraphMalformedResponse as failure:
            self.record(target.fetch, fetch_failure(target, failure))
            return {}
        data, entries = response.get("data"), response.get("errors")
        entries = entries if isinstance(entries, list) else []
        self.record(target.fetch, response_errors(target, entries, values))
        for objects, within in null_propagation(target, entries, values):
            self.make_unavailable(target.fetch, objects, within)
        if target.fetch.requires and (malformed := _not_objects(target, values)).places:
            not_object = SubgraphMalformedResponse(target.fetch.service_name, "The subgraph sent a wrong entity.")
            self.record(target.fetch, fetch_failure(malformed, not_object))
        return data if isinstance(data, dict) else {}

    def record(self, fetch: Fetch, errors: list[ResponseError]) -> None:
        """Record the errors of a fetch and their paths (execution §4)."""
        self.errors_by_fetch.setdefault(fetch.id, []).extend(errors)
        for error in errors:
            if error.path is not None:
                self.paths.add(error.path)

    def make_unavailable(self, fetch: Fetch, objects: list[ResponsePath], within: ResponsePath = ()) -> None:
        """Record that `fetch` could not fetch its fields for `objects` (execution §4).

        Args:
            fetch: The fetch.
            objects: The paths of the objects in the client's response.
            within: The path to `objects`. It begins at the objects to which the fetch adds fields, and is empty if both
                are the same objects.
        """
        if not objects:
            return
        keys = self.keys_by_fetch.get(fetch.id)
        if keys is None:
            keys = self.keys_by_fetch[fetch.id] = output_keys(fetch)
        keys, add = keys_at(keys, within), self.unavailable.add if within else self.unavailable.add_fields
        for path in add(objects, keys):
            self.paths.add(path)


def _values(target: FetchTarget, response: Mapping[str, object]) -> Mapping[PathSegment, object]:
    """Return the root fields of a response by response key, or its entities by index (execution §4).

    Raises:
        SubgraphMalformedResponse: The response has neither data nor errors, or does not have one entity for each
            representation.
    """
    data, errors = response.get("data"), response.get("errors")
    if data is None and errors:
        return {}
    fetch = target.fetch
    if not isinstance(data, dict):
        raise SubgraphMalformedResponse(fetch.service_name, "The subgraph sent neither data nor errors.")
    if not fetch.requires:
        return dict(data)
    entities = data.get(ENTITIES)
    if entities is None and errors:
        return {}
    if not isinstance(entities, list) or len(entities) != len(target.places):
        raise SubgraphMalformedResponse(
            fetch.service_name, "The subgraph did not send one entity for each representation."
        )
    return dict(enumerate(entities))


def _not_objects(target: FetchTarget, entities: Mapping[PathSegment, object]) -> FetchTarget:
    """Return a copy of `target` that has only the positions of invalid entities.

    `entities` maps positions to the values that the subgraph sent. A value that is neither an object nor null is
    invalid.
    """
    positions = [
        position for position, entity in entities.items() if entity is not None and not isinstance(entity, dict)
    ]
    return FetchTarget(target.fetch, {position: target.places[position] for position in positions})
