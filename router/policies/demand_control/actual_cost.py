"""Computes what an operation has cost from the data of its response (execution §15.4).

Each object of the response costs the weight of its field, once, even if the operation selects the field several times
under one response key. A null costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from router.policies.conditions_and_sizes import with_variables
from router.policies.demand_control.estimate import MOST
from router.policies.demand_control.priced_selections import argument_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from router.policies.demand_control.priced_selections import PricedSelection
    from router.policies.demand_control.schema_weights import SchemaWeights


class _MergedField(NamedTuple):
    """All selections of one response key: the weight of an item, what the arguments cost, and the fields within."""

    key: str
    weight: int
    arguments: int
    inner: tuple[_MergedField, ...]


@dataclass(slots=True)
class Measurement:
    """Measures the data of one response. `variables` are the coerced variables of the request."""

    weights: SchemaWeights
    variables: Mapping[str, object]
    _known: dict[tuple[int, ...], tuple[_MergedField, ...]] = field(default_factory=dict)

    def total(self, selections: Iterable[PricedSelection], data: object) -> int:
        """Return the cost of the data to which `selections` belong."""
        return _cost(self._merged(tuple(selections)), data)

    def _merged(self, selections: tuple[PricedSelection, ...]) -> tuple[_MergedField, ...]:
        known = tuple(map(id, selections))
        if known not in self._known:
            by_key: dict[str, list[PricedSelection]] = {}
            for selection in self._fields(selections):
                by_key.setdefault(selection.key, []).append(selection)
            self._known[known] = tuple(self._field(key, parts) for key, parts in by_key.items())
        return self._known[known]

    def _fields(self, selections: Iterable[PricedSelection]) -> Iterator[PricedSelection]:
        for selection in selections:
            if all(with_variables(value, self.variables) is keeps for value, keeps in selection.conditions):
                if selection.key:
                    yield selection
                else:
                    yield from self._fields(selection.inner)

    def _field(self, key: str, parts: list[PricedSelection]) -> _MergedField:
        costs = (
            sum(argument_cost(argument, self.variables, self.weights, MOST) for argument in part.arguments)
            for part in parts
        )
        inner = tuple(selection for part in parts for selection in part.inner)
        return _MergedField(key, max(part.weight for part in parts), max(costs), self._merged(inner))


def _cost(fields: tuple[_MergedField, ...], value: object) -> int:
    if not isinstance(value, dict):
        return 0
    cost = 0
    for key, weight, arguments, inner in fields:
        if key in value:
            cost += arguments + _items(value[key], weight, inner)
    return cost


def _items(value: object, weight: int, inner: tuple[_MergedField, ...]) -> int:
    if isinstance(value, list):
        return sum([_items(item, weight, inner) for item in value])
    if value is None:
        return 0
    return weight + _cost(inner, value) if inner else weight
