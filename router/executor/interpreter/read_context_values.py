"""Read the values of `@fromContext` arguments from the ancestors of objects (planning §3.22; execution §3.10).

These *context values* can be different for each object, but a request sends them as variables, with one value for all
its objects. So objects are grouped by their context values, and each group has its own request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from graphql import is_interface_type, is_non_null_type, is_object_type

from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.objects_at_path import ancestor
from router.federation.find_type_name_in_reference import TYPENAME
from router.json_codec import canonical
from router.plan import Each, Key, Parent, TypeIs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLSchema

    from router.errors import ResponsePath
    from router.executor.context_and_result import JsonObject
    from router.executor.errors.recorded_error_paths import RecordedErrorPaths
    from router.executor.interpreter.objects_at_path import ResponsePlace
    from router.plan import Fetch, Path


class ContextLookup(msgspec.Struct, frozen=True):
    """The context value of one object.

    The value is read from an ancestor of the object. `applies` is False if this ancestor does not have a type that
    defines the context. The variable is then not sent. `is_known` is False if the value could not be fetched.
    """

    applies: bool
    is_known: bool = True
    value: object = None


class ContextGroup(NamedTuple):
    """The objects with the same context values. `variables` contains these values as variables of the request."""

    variables: JsonObject
    places: list[ResponsePlace]


class ContextReader(msgspec.Struct, frozen=True):
    """Reads context values from the response tree `root`. `failures` has the paths of all errors so far."""

    schema: GraphQLSchema
    root: JsonObject
    failures: RecordedErrorPaths

    def by_context(
        self, fetch: Fetch, places: Iterable[ResponsePlace]
    ) -> tuple[list[ContextGroup], list[ResponsePlace]]:
        """Group objects by their context values, in order of first appearance.

        Returns:
            The groups, and the objects whose context value could not be fetched. For these objects, no fetch is sent.
        """
        if not fetch.context_rewrites:
            return [ContextGroup({}, list(places))], []
        unknown: list[ResponsePlace] = []
        groups: dict[bytes, ContextGroup] = {}
        for place in places:
            values = [(rewrite.name, self._read(place, rewrite.path)) for rewrite in fetch.context_rewrites]
            if all(value.is_known for _, value in values):
                variables = {name: value.value for name, value in values if value.applies}
                groups.setdefault(canonical(variables), ContextGroup(variables, [])).places.append(place)
            else:
                unknown.append(place)
        return list(groups.values()), unknown

    def _read(self, place: ResponsePlace, path: Path) -> ContextLookup:
        at = place.path
        value: object = place.object
        for step in path:
            match step:
                case Parent():
                    place = ancestor(self.root, place.path)
                    at, value = place.path, place.object
                case TypeIs(types=types):
                    typename = value.get(TYPENAME) if isinstance(value, dict) else None
                    if not isinstance(typename, str) or not any(is_subtype(self.schema, typename, of) for of in types):
                        return ContextLookup(applies=False)
                case Key(name=name):
                    if not isinstance(value, dict):
                        return ContextLookup(value is None)
                    parent, at, value = value, (*at, name), value.get(name)
                    if value is None and self._is_unknown(parent, name, at):
                        return ContextLookup(applies=True, is_known=False)
                case Each():
                    raise ValueError("a context path must not contain a list step")
        return ContextLookup(applies=True, value=value)

    def _is_unknown(self, parent: JsonObject, name: str, path: ResponsePath) -> bool:
        """Return whether a null or absent value counts as unknown.

        The value is unknown if it could not be fetched, or if the type of its field is non-null.
        """
        if self.failures.within(path) or (name not in parent and self.failures.above(path)):
            return True
        typename = parent.get(TYPENAME)
        type_ = self.schema.get_type(typename) if isinstance(typename, str) else None
        field = type_.fields.get(name) if is_object_type(type_) or is_interface_type(type_) else None
        return field is not None and is_non_null_type(field.type)
