"""Estimates the cost of priced selections with the variables of a request (execution §15.3).

    cost of a field = number of items * (weight + cost of its selections) + cost of its arguments

The time is linear in the number of selections: a fragment that is spread twice is evaluated once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from router.policies.demand_control.priced_selections import MAX_COST, argument_cost, sliced
from router.policies.read_conditions_and_list_sizes import number_of, with_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.policies.demand_control.priced_selections import PricedSelection, Size
    from router.policies.demand_control.schema_weights import SchemaWeights


class Estimate(NamedTuple):
    """A cost, and the path of the most expensive field."""

    cost: int
    path: tuple[str, ...] = ()


class AmbiguousSize(Exception):
    """A field with `requireOneSlicingArgument` does not get exactly one slicing argument."""

    def __init__(self, field: str, given: int) -> None:
        super().__init__(f"The field '{field}' needs exactly one argument that says how many items it returns.")
        self.field, self.given = field, given


class Estimation(msgspec.Struct):
    """Estimates selections for one request. `variables` has the values that the client sent, and defaults."""

    weights: SchemaWeights
    variables: Mapping[str, object]
    _known: dict[int, Estimate] = msgspec.field(default_factory=dict)

    def total(self, selections: Sequence[PricedSelection]) -> Estimate:
        """Return the cost of all `selections`, and the path of the most expensive one.

        Raises:
            AmbiguousSize: A field requires exactly one slicing argument and has none or several.
        """
        cost, largest = 0, Estimate(-1)
        for selection in selections:
            estimate = self._of(selection)
            cost += estimate.cost
            if estimate.cost > largest.cost:
                largest = estimate
        return Estimate(min(cost, MAX_COST), largest.path)

    def _of(self, selection: PricedSelection) -> Estimate:
        found = self._known.get(id(selection))
        if found is None:
            found = self._known[id(selection)] = self._estimate(selection)
        return found

    def _estimate(self, selection: PricedSelection) -> Estimate:
        for value, keeps in selection.conditions:
            if with_variables(value, self.variables) is not keeps:
                return Estimate(0)
        cost, path = self.total(selection.inner)
        cost += selection.weight
        if selection.size is not None:
            cost *= self.items(selection.size)
        for argument in selection.arguments:
            cost += argument_cost(argument, self.variables, self.weights)
        return Estimate(min(cost, MAX_COST), (selection.key, *path) if selection.key else path)

    def items(self, size: Size) -> int:
        """Return the number of items of a list.

        Raises:
            AmbiguousSize: The client must give exactly one slicing argument, and gives none or several.
        """
        numbers = [
            number for argument in size.given if (number := number_of(sliced(argument, self.variables))) is not None
        ]
        if size.requires_one and len(numbers) != 1:
            raise AmbiguousSize(size.field, len(numbers))
        return max(numbers) if numbers else size.default
