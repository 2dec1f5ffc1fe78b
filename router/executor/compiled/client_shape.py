"""Build the shape of the response from the fields that the client selected (execution §5).

The shape depends on the variables in `@skip` and `@include`. Requests with the same values of these variables have the
same shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLNonNull,
    GraphQLString,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_object_type,
)

from router.executor.compiled.interfaces_in_typename import interface_object_names, subtypes_of
from router.executor.compiled.response_shape import FieldShape, NotCompilable, ObjectShape
from router.executor.graphql.collect_fields import FieldCollector, UndeterminedType
from router.executor.graphql.introspection import META_FIELDS
from router.executor.graphql.type_relations import possible_names
from router.federation.find_type_name_in_reference import TYPENAME
from router.plan.client_and_internal_response_keys import client_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import FieldNode, GraphQLNamedType, GraphQLOutputType, GraphQLSchema

    from router.executor.graphql.collect_fields import Fields
    from router.get_operation import PreparedOperation

TYPENAME_TYPE: Final = GraphQLNonNull(GraphQLString)

MOST_OBJECTS: Final = 500
"""The maximum number of object shapes in a compiled operation.

The interpreter executes an operation with more object shapes, because its generated code would be very long.
"""


def client_shape(schema: GraphQLSchema, operation: PreparedOperation, variables: Mapping[str, object]) -> ObjectShape:
    """Return the shape of the root object, with the fields that the client selected. `schema` is the merged schema.

    Raises:
        NotCompilable: The operation has an introspection field, or a field that the client may not read; or the order
            of fields depends on the type of an object.
    """
    if operation.withholds:
        raise NotCompilable("the client may not read some fields")
    root = operation.api_schema.get_root_type(operation.definition.operation)
    if root is None:
        raise NotCompilable("the schema has no such root type")
    collector = FieldCollector(operation.api_schema, operation.fragments, variables)
    builder = _Builder(schema, collector)
    fields = collector.collect(root.name, (operation.definition.selection_set,))
    return builder.object((), {root.name: fields}, None, is_abstract=False)


@dataclass(slots=True)
class _Builder:
    schema: GraphQLSchema
    collector: FieldCollector
    made: list[ObjectShape] = field(default_factory=list)

    def object(
        self,
        path: tuple[str, ...],
        selected: Mapping[str, Fields],
        parent: tuple[ObjectShape, FieldShape] | None,
        *,
        is_abstract: bool,
    ) -> ObjectShape:
        """Return the shape of the objects at `path`. `selected` maps each object type to the selected fields."""
        shape = ObjectShape(len(self.made), path, tuple(selected), is_abstract, parent=parent)
        self.made.append(shape)
        if len(self.made) > MOST_OBJECTS:
            raise NotCompilable("the operation has too many objects")
        for key in merged_order([[*fields] for fields in selected.values()]):
            nodes = {name: fields[key] for name, fields in selected.items() if key in fields}
            shape.fields[key] = self.field(shape, key, nodes)
        return shape

    def field(self, parent: ObjectShape, key: str, nodes: Mapping[str, tuple[FieldNode, ...]]) -> FieldShape:
        """Return the shape of a field. `nodes` maps an object type to the syntax nodes of the field on this type."""
        first = next(iter(nodes.values()))[0]
        if any(same[0].name.value != first.name.value for same in nodes.values()):
            raise NotCompilable("a response key stands for different fields")
        if first.name.value in META_FIELDS:
            raise NotCompilable("introspection")
        if key != client_key(first):
            raise NotCompilable("a response key is like __typename")
        shape = FieldShape(key, first.name.value)
        for typename in nodes:
            shape.visible.add(typename)
            shape.types[typename] = field_type(self.collector.schema, typename, shape.name)
        named = {get_named_type(type_).name: get_named_type(type_) for type_ in shape.types.values()}
        inner = next(iter(named.values()))
        if not is_composite_type(inner):
            return shape
        if len(named) > 1 or len({tuple(map(id, each)) for each in nodes.values()}) > 1:
            raise NotCompilable("the selections on a field depend on the type of its object")
        selections = next(iter(nodes.values()))
        selected = {
            name: self.collector.subfields(name, selections)
            for name in possible_names(self.collector.schema, inner.name)
        }
        undetermined: set[str] = set()
        names = self._interfaces(inner)
        for name in names:
            try:
                selected[name] = self.collector.subfields(name, selections)
            except UndeterminedType:
                undetermined.add(name)
                selected[name] = {}
        shape.child = self.object((*parent.path, key), selected, (parent, shape), is_abstract=is_abstract_type(inner))
        shape.child.interfaces = subtypes_of(self.schema, names, selected)
        shape.child.undetermined = undetermined
        return shape

    def _interfaces(self, type_: GraphQLNamedType) -> list[str]:
        if not is_abstract_type(type_):
            return []
        names = interface_object_names(self.schema, type_.name)
        return [name for name in names if self.collector.schema.get_type(name) is not None]


def field_type(schema: GraphQLSchema, typename: str, name: str) -> GraphQLOutputType:
    """Return the type of the field `name` of the type `typename`. The type of `__typename` is `String!`.

    If `typename` is an interface without this field, return the type of the field on one of its object types.

    Raises:
        NotCompilable: The type `typename` has no field `name`.
    """
    if name == TYPENAME:
        return TYPENAME_TYPE
    for candidate in (typename, *possible_names(schema, typename)):
        type_ = schema.get_type(candidate)
        if (is_object_type(type_) or is_interface_type(type_)) and name in type_.fields:
            found: GraphQLOutputType = type_.fields[name].type
            return found
    raise NotCompilable("a field is not in the schema")


def merged_order(orders: Sequence[Sequence[str]]) -> list[str]:
    """Merge several lists of keys into one list that keeps the order of each list.

    For example, `["a", "c"]` and `["b", "c"]` give `["b", "a", "c"]`.

    Raises:
        NotCompilable: There is no such list, because two of the orders contradict each other.
    """
    merged: list[str] = []
    for order in orders:
        place = 0
        for key in order:
            if key in merged:
                place = merged.index(key) + 1
            else:
                merged.insert(place, key)
                place += 1
    for order in orders:
        if [key for key in merged if key in order] != [*order]:
            raise NotCompilable("the order of fields depends on the type of their object")
    return merged
