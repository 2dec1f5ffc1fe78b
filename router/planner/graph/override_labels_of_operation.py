"""Find the override labels (`@override(from:, label:)`) that the plan of an operation can depend on.

A plan depends on the labels of the fields that the operation selects. A plan also depends on the labels of the fields
that it may need for keys, `@requires` and `@fromContext`. The labels must be known before planning, because the key of
a cached plan contains the active labels (planning §3.21). The index is built once for a supergraph. With the index, the
labels of an operation are found in one pass over its selections.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
    is_abstract_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import FragmentDefinitionNode, GraphQLField, SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.supergraph.model import SubgraphField, SubgraphType, Supergraph

_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType)


class Coordinate(NamedTuple):
    """The name of a type, and the name of one of its fields."""

    type_name: str
    field_name: str


class OverrideLabelIndex:
    """Knows the override labels of each field, and which other fields a plan may need if it fetches the field."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._schema = supergraph.schema
        self._labels: dict[Coordinate, set[str]] = defaultdict(set)
        # The other fields that a plan may need if it fetches a field. `_keys` has the key fields of each type.
        # `_inputs` has, for each field, the fields that this field reads by `@requires` and `@fromContext`.
        self._keys: dict[str, set[Coordinate]] = defaultdict(set)
        self._inputs: dict[Coordinate, set[Coordinate]] = defaultdict(set)
        # Field name → the types whose field of this name is in `_labels` or in `_inputs`.
        self._types: dict[str, set[str]] = defaultdict(set)
        if not supergraph.override_labels:
            return
        carriers = _carriers(supergraph)
        for subgraph in supergraph.subgraphs.values():
            for definition in subgraph.types.values():
                for key in definition.keys:
                    self._keys[definition.name].update(self._within(key.fields, definition.name))
                for field in definition.fields.values():
                    self._add(definition, field, carriers)

    def _add(self, definition: SubgraphType, field: SubgraphField, carriers: Mapping[str, set[str]]) -> None:
        here = Coordinate(definition.name, field.name)
        if field.label is not None:
            self._labels[here].add(field.label.label)
        if field.requires is not None:
            self._inputs[here].update(self._within(field.requires, definition.name))
        for argument in field.context_arguments:
            for ancestor in carriers[argument.context]:
                self._inputs[here].update(self._within(argument.selection, ancestor))
        if here in self._labels or here in self._inputs:
            self._types[field.name].add(definition.name)

    def labels_for(self, operation: PreparedOperation) -> frozenset[str]:
        """Return the labels that the plan of the operation can depend on."""
        root = self._schema.get_root_type(operation.definition.operation)
        if not self._labels or root is None:
            return frozenset()
        pending = list(self._within(operation.definition.selection_set, root.name, operation.fragments))
        seen: set[Coordinate] = set()
        types: set[str] = set()
        while pending:
            coordinate = pending.pop()
            if coordinate not in seen:
                seen.add(coordinate)
                pending.extend(self._needed_with(coordinate, types))
        return frozenset(label for coordinate in seen for label in self._labels.get(coordinate, ()))

    def _needed_with(self, coordinate: Coordinate, types: set[str]) -> Iterator[Coordinate]:
        """Yield the other fields that a plan may need if it fetches the field `coordinate`.

        `types` is the set of types whose key fields were yielded already. The method adds to this set.
        """
        type_name, field_name = coordinate
        possible = self._possible(type_name)
        for name in () if type_name in types else (type_name, *possible):
            types.add(name)
            yield from self._keys.get(name, ())
        yield from self._inputs.get(coordinate, ())
        for name in possible & self._types.get(field_name, set()):
            yield Coordinate(name, field_name)

    def _possible(self, type_name: str) -> frozenset[str]:
        """Return the object types of an interface or union. For other types, the result is empty."""
        definition = self._schema.type_map[type_name]
        if not is_abstract_type(definition):
            return frozenset()
        return frozenset(member.name for member in self._schema.get_possible_types(definition))

    def _within(
        self,
        selection: SelectionSetNode,
        type_name: str,
        fragments: Mapping[str, FragmentDefinitionNode] | None = None,
    ) -> Iterator[Coordinate]:
        """Yield all fields of a selection on type `type_name`, at any depth. Each named fragment is visited once."""
        spread: set[str] = set()
        pending = [(selection, type_name)]
        while pending:
            current, parent = pending.pop()
            for node in current.selections:
                match node:
                    case FieldNode():
                        field = self._field(parent, node.name.value)
                        if field is None:
                            continue  # an introspection field, which is not fetched from a subgraph
                        yield Coordinate(parent, node.name.value)
                        if node.selection_set is not None:
                            pending.append((node.selection_set, get_named_type(field.type).name))
                    case InlineFragmentNode():
                        condition = node.type_condition
                        pending.append((node.selection_set, condition.name.value if condition is not None else parent))
                    case FragmentSpreadNode() if fragments is not None and node.name.value not in spread:
                        spread.add(node.name.value)
                        fragment = fragments[node.name.value]
                        pending.append((fragment.selection_set, fragment.type_condition.name.value))

    def _field(self, type_name: str, name: str) -> GraphQLField | None:
        definition = self._schema.type_map[type_name]
        return definition.fields.get(name) if isinstance(definition, _WITH_FIELDS) else None


def _carriers(supergraph: Supergraph) -> Mapping[str, set[str]]:
    """Return, for each context name, the types that set this context (`@context`)."""
    carriers: dict[str, set[str]] = defaultdict(set)
    for subgraph in supergraph.subgraphs.values():
        for definition in subgraph.types.values():
            for context in definition.contexts:
                carriers[context].add(definition.name)
    return carriers
