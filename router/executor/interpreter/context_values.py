"""Arguments filled from an ancestor object (`@fromContext`; planning §3.22).

A value can differ from object to object, yet it travels as a variable of the whole operation: the objects are grouped
by their values, and each group is a request of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.flatten import ancestor
from router.json_codec import canonical
from router.plan import Each, Key, Parent, TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLSchema

    from router.executor.context import JsonObject
    from router.executor.errors.failures import Failures
    from router.executor.interpreter.flatten import Place
    from router.plan import Fetch, Path


class _Reading(NamedTuple):
    """What a context's path leads to from one object: whether it applies to it, and the value unless it is unknown."""

    applies: bool
    is_known: bool = True
    value: object = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Groups objects by what is around them. `failures` are those so far."""

    schema: GraphQLSchema
    root: JsonObject
    failures: Failures

    def by_context(
        self, fetch: Fetch, places: Iterable[Place]
    ) -> tuple[list[tuple[JsonObject, list[Place]]], list[Place]]:
        """The places in groups of equal contextual variables, in order of first appearance.

        Beside them, those in no group: a value of theirs is unknown, because it could not be fetched.
        """
        if not fetch.context_rewrites:
            return [({}, list(places))], []
        unknown: list[Place] = []
        groups: dict[bytes, tuple[JsonObject, list[Place]]] = {}
        for place in places:
            readings = [(rewrite.name, self._read(place, rewrite.path)) for rewrite in fetch.context_rewrites]
            if all(reading.is_known for _, reading in readings):
                variables = {name: reading.value for name, reading in readings if reading.applies}
                groups.setdefault(canonical(variables), (variables, []))[1].append(place)
            else:
                unknown.append(place)
        return list(groups.values()), unknown

    def _read(self, place: Place, path: Path) -> _Reading:
        at = place.path
        value: object = place.object
        for step in path:
            match step:
                case Parent():
                    place = ancestor(self.root, place.path)
                    at, value = place.path, place.object
                case TypeIs(types=types):
                    typename = value.get("__typename") if isinstance(value, dict) else None
                    if not isinstance(typename, str) or not any(is_subtype(self.schema, typename, of) for of in types):
                        return _Reading(applies=False)
                case Key(name=name):
                    if not isinstance(value, dict):
                        return _Reading(value is None)
                    is_absent, at, value = name not in value, (*at, name), value.get(name)
                    if value is None and (self.failures.within(at) or (is_absent and self.failures.above(at))):
                        return _Reading(applies=True, is_known=False)
                case Each():
                    raise ValueError("a context is one object")
        return _Reading(applies=True, value=value)
