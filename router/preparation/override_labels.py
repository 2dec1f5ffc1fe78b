"""The labels of progressive overrides (`@override(from:, label:)`) on which the plan of an operation can depend.

They are the labels of fields that the operation selects, and of fields that its plan may need for keys, `@requires` and
contexts. `router/policies/override_labels.py` decides which of them hold for a request.
"""

from __future__ import annotations

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

    from router.operation import PreparedOperation
    from router.supergraph import Supergraph

_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType)


class Coordinate(NamedTuple):
    """A field of a type."""

    type_name: str
    field_name: str


class OverrideLabelIndex:
    """Where the labels of a supergraph stand; `known` are all of them."""

    def __init__(self, graph: Supergraph) -> None:
        self._graph = graph
        self._labels: dict[Coordinate, set[str]] = {}
        for subgraph in graph.subgraphs.values():
            for kind in subgraph.types.values():
                for field in kind.fields.values():
                    if field.label is not None:
                        self._labels.setdefault(Coordinate(kind.name, field.name), set()).add(field.label.label)
        self.known = frozenset(label for labels in self._labels.values() for label in labels)

    def met_by(self, operation: PreparedOperation) -> frozenset[str]:
        """The labels on which the plan of an operation can depend."""
        root = self._graph.schema.get_root_type(operation.definition.operation)
        if not self.known or root is None:
            return frozenset()
        pending = list(self._within(operation.definition.selection_set, root.name, operation.fragments))
        seen: set[Coordinate] = set()
        while pending:
            coordinate = pending.pop()
            if coordinate not in seen:
                seen.add(coordinate)
                pending.extend(self._implied(coordinate))
        return frozenset(label for coordinate in seen for label in self._labels.get(coordinate, ()))

    def _implied(self, coordinate: Coordinate) -> Iterator[Coordinate]:
        """What a plan with this field may need besides: it on the runtime types, keys to get there, its inputs."""
        type_name, field_name = coordinate
        definition = self._graph.schema.type_map[type_name]
        if is_abstract_type(definition):
            for runtime in self._graph.schema.get_possible_types(definition):
                yield Coordinate(runtime.name, field_name)
        for subgraph in self._graph.subgraphs.values():
            kind = subgraph.types.get(type_name)
            if kind is None:
                continue
            for key in kind.keys:
                yield from self._within(key.fields, type_name)
            field = kind.fields.get(field_name)
            if field is None:
                continue
            if field.requires is not None:
                yield from self._within(field.requires, type_name)
            for argument in field.context_arguments:
                for ancestor in self._marked(argument.context):
                    yield from self._within(argument.selection, ancestor)

    def _marked(self, context: str) -> Iterator[str]:
        for subgraph in self._graph.subgraphs.values():
            yield from (kind.name for kind in subgraph.types.values() if context in kind.contexts)

    def _within(
        self,
        selection: SelectionSetNode,
        type_name: str,
        fragments: Mapping[str, FragmentDefinitionNode] | None = None,
    ) -> Iterator[Coordinate]:
        """The fields that a selection on a type names, at any depth, those of fragments once."""
        spread: set[str] = set()
        pending = [(selection, type_name)]
        while pending:
            current, parent = pending.pop()
            for node in current.selections:
                match node:
                    case FieldNode():
                        field = self._field(parent, node.name.value)
                        if field is None:
                            continue  # introspection: no subgraph is asked
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
        definition = self._graph.schema.type_map[type_name]
        return definition.fields.get(name) if isinstance(definition, _WITH_FIELDS) else None
