"""Which labels of progressive overrides (`@override(from:, label:)`) hold for a request.

A label moves a field from one subgraph to another for some requests. Each is decided once per request, by the first
that has something to say: a hook (`Exchange.override_labels`), the settings, the label itself where it is `percent(x)`;
a label of which nobody says anything does not hold. Only labels that the operation can meet are decided, as plans are
kept by them: those of fields it selects, and of fields its plan may need for keys, `@requires` and contexts.
"""

from __future__ import annotations

import random
import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

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
    from collections.abc import Callable, Collection, Iterator, Mapping

    from graphql import FragmentDefinitionNode, GraphQLField, SelectionSetNode

    from router.operation import PreparedOperation
    from router.supergraph import Supergraph

_PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)", re.ASCII)
_WITH_FIELDS = (GraphQLObjectType, GraphQLInterfaceType)
_ALL: Final = 100.0
_HALF: Final = 50.0

MOST_COMBINATIONS: Final = 4
"""How many plans of one operation are prepared ahead; were it more, the likeliest is."""


class Coordinate(NamedTuple):
    """A field of a type."""

    type_name: str
    field_name: str


class OverrideLabels:
    """The labels of one supergraph.

    `shares` are the percentages of requests for which labels hold, 0 to 100, where they are not the labels' own.
    `draw` gives numbers from 0 to below 1.
    """

    def __init__(
        self, graph: Supergraph, shares: Mapping[str, float], draw: Callable[[], float] = random.random
    ) -> None:
        self._graph = graph
        self._draw = draw
        self._labels: dict[Coordinate, set[str]] = {}
        for subgraph in graph.subgraphs.values():
            for kind in subgraph.types.values():
                for field in kind.fields.values():
                    if field.label is not None:
                        self._labels.setdefault(Coordinate(kind.name, field.name), set()).add(field.label.label)
        self.known = frozenset(label for labels in self._labels.values() for label in labels)
        self._shares = {label: shares.get(label, _own_share(label)) for label in self.known}

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

    def decide(self, met: Collection[str], said: Mapping[str, bool]) -> frozenset[str]:
        """Those of the labels `met` that hold for one request; `said` is what its hooks decided."""
        return frozenset(
            label for label in met if (said[label] if label in said else self._draw() * _ALL < self._shares[label])
        )

    def likely(self, met: Collection[str]) -> list[frozenset[str]]:
        """What may hold for requests of which no hook decides: each possibility, or the likeliest of many."""
        open_ones = sorted(label for label in met if 0 < self._shares[label] < _ALL)
        if 2 ** len(open_ones) > MOST_COMBINATIONS:
            return [frozenset(label for label in met if self._shares[label] >= _HALF)]
        sure = frozenset(label for label in met if self._shares[label] == _ALL)
        choices = product((False, True), repeat=len(open_ones))
        return [sure.union(label for label, holds in zip(open_ones, each, strict=True) if holds) for each in choices]

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


def _own_share(label: str) -> float:
    percent = _PERCENT.fullmatch(label)
    return float(percent[1]) if percent is not None else 0.0
