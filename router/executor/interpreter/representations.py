"""Representations: what a fetch tells a subgraph about the objects it extends (§3.2, §3.3).

    requires {... on Product {__typename upc weight}}
    + {"__typename": "Product", "upc": "1", "name": "Pan", "weight": null}
    = {"__typename": "Product", "upc": "1", "weight": null}

A value that is null is told as null. A value that is *unknown*, because it could not be fetched, is not told as null:
the object is left out, and with it what depends on the value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import get_named_type, is_interface_type, is_non_null_type, is_object_type

from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.rewrites import apply_rewrites
from router.executor.interpreter.schedule import hold
from router.json_codec import canonical
from router.plan import InputField, InputFragment, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import GraphQLField, GraphQLSchema

    from router.errors import ResponsePath
    from router.executor.context import JsonObject
    from router.executor.errors.failures import Failures
    from router.executor.interpreter.flatten import Place
    from router.plan import Fetch, InputSelection


@dataclass(frozen=True, slots=True)
class Representations:
    """Distinct representations, and for each one the places its entity belongs to.

    `unknown` are the places left out because a value could not be fetched.
    """

    values: list[JsonObject]
    places: list[list[Place]]
    unknown: list[Place]


def input_keys(fetches: Iterable[Fetch]) -> frozenset[str]:
    """The response keys that these fetches are given values of."""
    pending: list[InputSelection] = []
    keys: set[str] = set()
    for fetch in fetches:
        pending += fetch.requires
        keys.update(step.name for rewrite in fetch.context_rewrites for step in rewrite.path if isinstance(step, Key))
    while pending:
        selection = pending.pop()
        pending += selection.selections
        if isinstance(selection, InputField):
            keys.add(selection.name)
    return frozenset(keys)


@dataclass(frozen=True, slots=True)
class Projection:
    """Builds representations. `failures` are those so far.

    `variables` are the client's: they decide which keys the fetch needs this time. `missed` are the paths of values
    that were needed and are unknown.
    """

    schema: GraphQLSchema
    failures: Failures
    variables: Mapping[str, object]
    missed: list[ResponsePath] = field(default_factory=list)

    def represent(self, fetch: Fetch, places: Iterable[Place]) -> Representations:
        """Project (§3.2), rewrite, and let equal representations be one (§3.3)."""
        only_type = self._only_type(fetch.requires)
        needed = [alternative for alternative in fetch.requires if self._is_needed(alternative)]
        values: list[JsonObject] = []
        by_representation: dict[bytes, list[Place]] = {}
        unknown: list[Place] = []
        for place in places:
            missed = len(self.missed)
            value = self._project(place, needed, only_type)
            if not value:
                if len(self.missed) > missed:
                    unknown.append(place)
                continue
            apply_rewrites(self.schema, fetch.input_rewrites, value)
            identity = canonical(value)
            if identity not in by_representation:
                by_representation[identity] = []
                values.append(value)
            by_representation[identity].append(place)
        return Representations(values, list(by_representation.values()), unknown)

    def _is_needed(self, alternative: InputFragment) -> bool:
        """Whether something asked for this time needs the alternative (§3.8)."""
        conditions = alternative.conditions
        return not conditions or any(hold(those, self.variables) for those in conditions)

    def _project(self, place: Place, alternatives: Sequence[InputFragment], only_type: str | None) -> JsonObject | None:
        """The representation of one object; None when it is not to be sent (§3.2)."""
        told = place.object.get("__typename")
        typename = told if isinstance(told, str) else only_type
        if typename is None:
            return None
        value: JsonObject = {}
        complete = self._select(place.object, typename, alternatives, (place.path, value))
        return value if complete and value.keys() - {"__typename"} else None

    def _only_type(self, alternatives: Sequence[InputFragment]) -> str | None:
        """The type of an object without `__typename`, when the alternatives leave one concrete type (§3.2)."""
        names = {alternative.type_condition for alternative in alternatives}
        return names.pop() if len(names) == 1 and all(is_object_type(self.schema.get_type(n)) for n in names) else None

    def _select(
        self,
        source: JsonObject,
        typename: str,
        selections: Sequence[InputSelection],
        target: tuple[ResponsePath, JsonObject],
    ) -> bool:
        """Add what `selections` ask of `source` to the target (§3.2); False when something indispensable is missing."""
        for selection in selections:
            match selection:
                case InputFragment(type_condition=condition, selections=inner):
                    if is_subtype(self.schema, typename, condition) and not self._select(
                        source, typename, inner, target
                    ):
                        return False
                case InputField(name="__typename"):
                    if typename:
                        target[1]["__typename"] = typename
                case InputField():
                    if not self._add(source, typename, selection, target):
                        return False
        return True

    def _add(
        self, source: JsonObject, typename: str, field: InputField, target: tuple[ResponsePath, JsonObject]
    ) -> bool:
        """Add one key (§3.2): null is told as null where the schema allows it, what is unknown is not told."""
        path, into = target
        at = (*path, field.name)
        value = source.get(field.name)
        if value is None:
            if self.failures.within(at) or (field.name not in source and self.failures.above(at)):
                self.missed.append(at)
                return False
            into[field.name] = into.get(field.name)
            return not self._is_non_null(typename, field.name)
        position = self._concrete_type(typename, field.name)
        known, projected = self._value(value, field, at, (position, into.get(field.name)))
        into[field.name] = projected
        return known

    def _value(
        self, value: object, field: InputField, path: ResponsePath, context: tuple[str, object]
    ) -> tuple[bool, object]:
        """The part of `value` the field selects (§3.2).

        `context` is the concrete type of the position ("" if it has none) and what another fragment selected there
        already; both selections unite.
        """
        if value is None and self.failures.within(path):
            self.missed.append(path)
            return False, None
        if not field.selections or value is None:
            return True, value
        position, present = context
        if isinstance(value, list):
            earlier = present if isinstance(present, list) else [None] * len(value)
            items = [
                self._value(item, field, (*path, index), (position, earlier[index])) for index, item in enumerate(value)
            ]
            return all(known for known, _ in items), [item for _, item in items]
        if not isinstance(value, dict):
            return False, None
        typename = value.get("__typename")
        into: JsonObject = present if isinstance(present, dict) else {}
        known = self._select(value, typename if isinstance(typename, str) else position, field.selections, (path, into))
        return known, into

    def _concrete_type(self, typename: str, key: str) -> str:
        field = self._field(typename, key)
        named = get_named_type(field.type) if field else None
        return named.name if is_object_type(named) else ""

    def _is_non_null(self, typename: str, key: str) -> bool:
        """Whether the merged schema promises a value; a response key that is an internal alias is promised nothing."""
        field = self._field(typename, key)
        return field is not None and is_non_null_type(field.type)

    def _field(self, typename: str, key: str) -> GraphQLField | None:
        type_ = self.schema.get_type(typename)
        return type_.fields.get(key) if is_object_type(type_) or is_interface_type(type_) else None
