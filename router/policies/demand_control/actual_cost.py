"""Computes what an operation has cost from the data of its response (execution §15.4).

Each object of the response costs the weight of its field, once, even if the operation selects the field several times
under one response key. A null costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from router.policies.demand_control.priced_selections import argument_cost
from router.policies.read_conditions_and_list_sizes import with_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from router.policies.demand_control.priced_selections import PricedSelection
    from router.policies.demand_control.schema_weights import SchemaWeights


class _MergedField(NamedTuple):
    """All selections of one response key: the weight of an item, the cost of the arguments, and the subfields."""

    key: str
    weight: int
    arguments: int
    inner: tuple[_MergedField, ...]


class Measurement:
    """Measures the responses of an operation.

    If `is_fixed` is True, no condition and no argument depends on a variable, so all requests can share the object.
    """

    def __init__(self, fields: tuple[_MergedField, ...], *, is_fixed: bool) -> None:
        self._fields = fields
        self.is_fixed = is_fixed

    @classmethod
    def of(
        cls, selections: tuple[PricedSelection, ...], weights: SchemaWeights, variables: Mapping[str, object]
    ) -> Measurement:
        """Return the measurement for one request. `variables` are the coerced variables."""
        merging = _Merging(weights, variables)
        return cls(merging.merged(selections), is_fixed=merging.is_fixed)

    def total(self, data: object) -> int:
        """Return the cost of the data of a response."""
        return _cost(self._fields, data)


class _Merging(msgspec.Struct):
    """Merges the selections of each response key."""

    weights: SchemaWeights
    variables: Mapping[str, object]
    is_fixed: bool = True
    _known: dict[tuple[int, ...], tuple[_MergedField, ...]] = msgspec.field(default_factory=dict)

    def merged(self, selections: tuple[PricedSelection, ...]) -> tuple[_MergedField, ...]:
        known = tuple(map(id, selections))
        if known not in self._known:
            by_key: dict[str, list[PricedSelection]] = {}
            for selection in self._fields(selections):
                by_key.setdefault(selection.key, []).append(selection)
            self._known[known] = tuple(self._field(key, parts) for key, parts in by_key.items())
        return self._known[known]

    def _fields(self, selections: Iterable[PricedSelection]) -> Iterator[PricedSelection]:
        for selection in selections:
            if selection.conditions or selection.arguments:
                self.is_fixed = False
            if all(with_variables(value, self.variables) is keeps for value, keeps in selection.conditions):
                if selection.key:
                    yield selection
                else:
                    yield from self._fields(selection.inner)

    def _field(self, key: str, parts: list[PricedSelection]) -> _MergedField:
        costs = (
            sum(argument_cost(argument, self.variables, self.weights) for argument in part.arguments) for part in parts
        )
        inner = tuple(selection for part in parts for selection in part.inner)
        return _MergedField(key, max(part.weight for part in parts), max(costs), self.merged(inner))


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
        if not inner and value and None not in value and not isinstance(value[0], list):
            return weight * len(value)
        return sum([_items(item, weight, inner) for item in value])
    if value is None:
        return 0
    return weight + _cost(inner, value) if inner else weight
