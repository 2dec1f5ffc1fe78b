"""Build representations: the objects that an entity fetch sends to `_entities` (execution §3.2, §3.3).

    requires {... on Product {__typename upc weight}}
    + {"__typename": "Product", "upc": "1", "name": "Pan", "weight": null}
    = {"__typename": "Product", "upc": "1", "weight": null}

A null is sent as null. A value is *unknown* if it could not be fetched, or if it is null or absent although its type is
non-null. If a required value of an object is unknown, the object gets no representation, and the fields that the fetch
selects on the object are unavailable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import get_named_type, is_interface_type, is_list_type, is_non_null_type, is_object_type

from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.requests_in_plan import conditions_met
from router.executor.interpreter.rewrites import apply_rewrites
from router.federation.find_type_name_in_reference import TYPENAME
from router.json_codec import canonical
from router.plan import InputField, InputFragment, Key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from graphql import GraphQLOutputType, GraphQLSchema

    from router.errors import ResponsePath
    from router.executor.context_and_result import JsonObject
    from router.executor.errors.recorded_error_paths import RecordedErrorPaths
    from router.executor.interpreter.objects_at_path import ResponsePlace
    from router.plan import Fetch, InputSelection


class Representations(msgspec.Struct, frozen=True):
    """The representations for one entity fetch.

    Attributes:
        values: The representations; no two are equal.
        places: For each representation, the objects from which it was built. There are several objects if an entity
            appears several times in the response.
        unknown: The objects that have no representation because a required value is unknown.
    """

    values: list[JsonObject]
    places: list[list[ResponsePlace]]
    unknown: list[ResponsePlace]


class _SourceObject(msgspec.Struct, frozen=True):
    """An object of the response tree, with the name of its object type ("" if not known) and its path."""

    object: JsonObject
    typename: str
    path: ResponsePath


class _Slot(msgspec.Struct, frozen=True):
    """Describes one value that is copied from the response tree to a representation.

    Attributes:
        path: The path of the value in the response tree.
        type: The type of the value in the merged schema; None if it is not known.
        typename: The object type to use if the value has no `__typename`; "" if several types are possible.
        selected: The copy of this value that an earlier fragment of `requires` has made; further fields are added to
            this copy. None if there is no such copy.
    """

    path: ResponsePath
    type: GraphQLOutputType | None
    typename: str
    selected: object


def input_keys(fetches: Iterable[Fetch]) -> frozenset[str]:
    """Return the response keys of all values that `fetches` need for representations and `@fromContext` arguments."""
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


class Projection(msgspec.Struct, frozen=True):
    """Builds representations from objects of the response tree.

    Attributes:
        schema: The merged schema.
        failures: The paths of all errors so far.
        variables: The client's variables. They decide which fragments of `requires` are used (`@skip`, `@include`).
        absent: The paths of the entities that a subgraph does not have: it sent null for them, without an error.
        names: Internal alias → the name of the field that is fetched under this alias.
        missed: The paths of all required values that were unknown so far.
    """

    schema: GraphQLSchema
    failures: RecordedErrorPaths
    variables: Mapping[str, object]
    absent: Collection[ResponsePath] = ()
    names: Mapping[str, str] = msgspec.field(default_factory=dict)
    missed: list[ResponsePath] = msgspec.field(default_factory=list)

    def represent(self, fetch: Fetch, places: Iterable[ResponsePlace]) -> Representations:
        """Build and rewrite the representation of each object (execution §3.2, §3.3).

        Of several equal representations, only the first is kept.
        """
        only_type = self._only_type(fetch.requires)
        needed = [alternative for alternative in fetch.requires if self._is_needed(alternative)]
        values: list[JsonObject] = []
        by_representation: dict[bytes, list[ResponsePlace]] = {}
        unknown: list[ResponsePlace] = []
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
        """Return whether a fragment of `requires` is needed (execution §3.8).

        A fragment of `requires` selects the inputs for some fields of the fetch. If `@skip` and `@include` exclude all
        of these fields, their inputs are not needed.
        """
        conditions = alternative.conditions
        return not conditions or any(conditions_met(those, self.variables) for those in conditions)

    def _project(
        self, place: ResponsePlace, alternatives: Sequence[InputFragment], only_type: str | None
    ) -> JsonObject | None:
        """Return the representation of one object (execution §3.2).

        Return None in each of these cases: the type of the object is unknown; a required value is unknown; the
        representation would contain only `__typename`.
        """
        reported = place.object.get(TYPENAME)
        typename = reported if isinstance(reported, str) else only_type
        if typename is None:
            self.missed.append((*place.path, TYPENAME))
            return None
        value: JsonObject = {}
        complete = self._select(_SourceObject(place.object, typename, place.path), alternatives, value)
        return value if complete and value.keys() - {TYPENAME} else None

    def _only_type(self, alternatives: Sequence[InputFragment]) -> str | None:
        """Return the object type that is the type condition of all fragments in `alternatives`; None if there is none.

        An object without `__typename` has this type.
        """
        names = {alternative.type_condition for alternative in alternatives}
        return names.pop() if len(names) == 1 and all(is_object_type(self.schema.get_type(n)) for n in names) else None

    def _select(self, source: _SourceObject, selections: Sequence[InputSelection], into: JsonObject) -> bool:
        """Add the selected fields of `source` to the representation `into` (execution §3.2).

        Return False if a required value is unknown; otherwise True.
        """
        for selection in selections:
            match selection:
                case InputFragment(type_condition=condition, selections=inner):
                    if is_subtype(self.schema, source.typename, condition) and not self._select(source, inner, into):
                        return False
                case InputField(name="__typename"):
                    if source.typename:
                        into[TYPENAME] = source.typename
                case InputField():
                    if not self._add(source, selection, into):
                        return False
        return True

    def _add(self, source: _SourceObject, field: InputField, into: JsonObject) -> bool:
        """Add one field to the representation `into` (execution §3.2).

        A null is added, but an unknown value is not added. Return False if the value is unknown; the object then gets
        no representation. Otherwise return True.
        """
        name = field.name
        value = source.object.get(name)
        path = (*source.path, name)
        if value is None:
            is_lost = self.failures.within(path) or (name not in source.object and self.failures.above(path))
            if is_lost or is_non_null_type(self._type(source.typename, name)):
                if is_lost or name in source.object or not self._is_of_absent_entity(source.path):
                    self.missed.append(path)
                return False
            into[name] = into.get(name)
            return True
        if not field.selections:
            if isinstance(value, list) and has_forbidden_null(self._type(source.typename, name), value):
                self.missed.append(path)
                return False
            into[name] = value
            return True
        type_ = self._type(source.typename, name)
        known, into[name] = self._value(value, field, _Slot(path, type_, _object_type(type_), into.get(name)))
        return known

    def _value(self, value: object, field: InputField, slot: _Slot) -> tuple[bool, object]:
        """Return whether `value` can be part of a representation, and the value to send (execution §3.2).

        The value to send is a copy of `value` with only the selected fields.
        """
        type_ = slot.type
        if value is None:
            if is_non_null_type(type_) or self.failures.within(slot.path):
                self.missed.append(slot.path)
                return False, None
            return True, None
        if is_non_null_type(type_):
            type_ = type_.of_type
        if isinstance(value, list):
            item_type = type_.of_type if is_list_type(type_) else None
            earlier = slot.selected if isinstance(slot.selected, list) else [None] * len(value)
            items = [
                self._value(item, field, _Slot((*slot.path, index), item_type, slot.typename, earlier[index]))
                for index, item in enumerate(value)
            ]
            return all(known for known, _ in items), [item for _, item in items]
        if not isinstance(value, dict):
            self.missed.append(slot.path)
            return False, None
        reported = value.get(TYPENAME)
        typename = reported if isinstance(reported, str) else slot.typename
        into: JsonObject = slot.selected if isinstance(slot.selected, dict) else {}
        return self._select(_SourceObject(value, typename, slot.path), field.selections, into), into

    def _is_of_absent_entity(self, path: ResponsePath) -> bool:
        """Return whether the object at `path`, or an ancestor of it, is an entity that a subgraph does not have.

        In this case, the fields from this subgraph are null without an error. If other fields need these fields as
        inputs, the other fields are null too.
        """
        return bool(self.absent) and any(path[: len(path) - cut] in self.absent for cut in range(len(path)))

    def _type(self, typename: str, key: str) -> GraphQLOutputType | None:
        """Return the type of the field with the response key `key` in the merged schema; None if it is not known."""
        type_ = self.schema.get_type(typename)
        if not (is_object_type(type_) or is_interface_type(type_)):
            return None
        field = type_.fields.get(self.names.get(key, key))
        return None if field is None else field.type


def _object_type(type_: GraphQLOutputType | None) -> str:
    """Return the name of the object type in `type_`. Return "" for a type with several possible object types."""
    named = None if type_ is None else get_named_type(type_)
    return named.name if is_object_type(named) else ""


def has_forbidden_null(type_: GraphQLOutputType | None, value: object) -> bool:
    """Return whether `value` is a null that `type_` forbids, or a list that contains such a null."""
    if is_non_null_type(type_):
        if value is None:
            return True
        type_ = type_.of_type
    return (
        is_list_type(type_)
        and isinstance(value, list)
        and any(has_forbidden_null(type_.of_type, item) for item in value)
    )
