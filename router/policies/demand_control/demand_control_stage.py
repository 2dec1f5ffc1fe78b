"""`DemandControl`: the stage that estimates each operation, refuses expensive ones, and measures responses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from router.errors import LimitExceeded
from router.pipeline.stage import Stage
from router.policies.demand_control.actual_cost import Measurement
from router.policies.demand_control.estimate import MOST, AmbiguousSize, Estimate, Estimation
from router.policies.demand_control.priced_selections import PricedSelection, Pricing
from router.policies.demand_control.schema_weights import SchemaWeights
from router.policies.read_conditions_and_list_sizes import defaults_of
from router.preparation.read_and_cache_documents import bounded_nesting
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_inputs import PolicyInputs
    from router.preparation.read_and_cache_documents import Document
    from router.preparation.request_operation import Operation
    from router.request.request_and_response import GraphQLResponse

TOO_EXPENSIVE: Final = "COST_ESTIMATED_TOO_EXPENSIVE"
UNKNOWN_SIZE: Final = "COST_QUERY_PARSE_FAILURE"
HEADER: Final = "cost"
VALUE: Final = "include"
EXTENSION: Final = "cost"
MOST_ESTIMATES: Final = 64
"""The maximum number of cached estimates of one operation. Each combination of variables has its own estimate."""


class PricedOperation(NamedTuple):
    """One operation with its prices. `base` is the cost of the operation without its fields."""

    base: int
    selections: tuple[PricedSelection, ...]
    defaults: Mapping[str, object]

    @classmethod
    def of(cls, operation: PreparedOperation, weights: SchemaWeights, list_size: int) -> PricedOperation:
        """Price an operation of a document."""
        definition = operation.definition
        root, base = weights.of_root(definition.operation.value)
        pricing = Pricing(weights, list_size, operation.fragments)
        return cls(base, pricing.of(definition.selection_set.selections, root), defaults_of(operation))

    def estimate(self, weights: SchemaWeights, variables: Mapping[str, object]) -> Estimate:
        """Return the estimate with the variables of a request.

        Raises:
            AmbiguousSize: A field requires exactly one slicing argument and has none or several.
        """
        given = {**self.defaults, **variables} if self.defaults else variables
        cost, path = Estimation(weights, given).total(self.selections)
        return Estimate(min(self.base + cost, MOST), path)


@dataclass(slots=True, eq=False)
class _KnownOperation:
    """An operation of a document, with results that all requests share."""

    planned: PreparedOperation
    priced: PricedOperation
    estimates: dict[Hashable, Estimate] = field(default_factory=dict)
    measurement: Measurement | None = None


@dataclass(slots=True)
class _RequestState:
    known: dict[str | None, _KnownOperation]
    operation: _KnownOperation | None = None


class DemandControl(Stage):
    """Estimates operations before anything is fetched, and measures their responses."""

    def __init__(self, inputs: PolicyInputs) -> None:
        self._weights = SchemaWeights(inputs.supergraph)
        self._settings = inputs.settings.demand_control
        self.results: Counter[str] = Counter()

    @classmethod
    def configured(cls, inputs: PolicyInputs) -> DemandControl | None:
        """Return the stage, or None if demand control is disabled."""
        return cls(inputs) if inputs.settings.demand_control.mode != "disabled" else None

    def inherit(self, previous: Stage) -> None:
        """Take over the counters of the stage that this stage replaces."""
        if isinstance(previous, DemandControl):
            self.results = previous.results

    def status(self) -> Mapping[str, object]:
        """Return how many operations were within the limit, and how many were above it."""
        return {"demand_control": dict(self.results)}

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Take the cache of this document's operations from `document.notes`, and keep it for `on_operation`."""
        known = document.notes.setdefault(self, {})
        assert isinstance(known, dict)  # noqa: S101 - only this stage uses this key
        context.state[self] = _RequestState(known)

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Estimate the operation. Refuse it if the estimate is above the limit.

        Raises:
            LimitExceeded: The operation costs too much, or the size of a list is ambiguous.
        """
        state = context.state.get(self)
        if not isinstance(state, _RequestState):
            state = context.state[self] = _RequestState({})
        known = state.operation = self._known(state, operation)
        try:
            estimate = self._estimate(known, context.variables)
        except AmbiguousSize as error:
            self._refuse(operation, UNKNOWN_SIZE, str(error), {"field": error.field})
            return
        context.record.cost_estimated = estimate.cost
        limit = self._settings.max_cost
        if limit is None or estimate.cost <= limit:
            self.results["within"] += 1
            return
        self._refuse(
            operation,
            TOO_EXPENSIVE,
            f"The operation can cost {estimate.cost}, more than {limit}; most of it at '{'.'.join(estimate.path)}'.",
            {"estimate": estimate.cost, "limit": limit},
        )

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        """Measure the data of the response. Add the costs if the client asks for them and may see them."""
        state = context.state.get(self)
        if not isinstance(state, _RequestState) or state.operation is None:
            return response
        if self._settings.measure_responses and context.completed is not None:
            context.record.cost_actual = self._actual(state.operation, context)
        if not self._settings.in_responses or context.received.headers.get(HEADER) != VALUE:
            return response
        record, given = context.record, response.body.get("extensions")
        shown = {"estimated": record.cost_estimated, "actual": record.cost_actual, "max": self._settings.max_cost}
        extensions = {**(given if isinstance(given, dict) else {}), EXTENSION: shown}
        return replace(response, body={**response.body, "extensions": extensions})

    def _known(self, state: _RequestState, operation: Operation) -> _KnownOperation:
        known = state.known.get(operation.name)
        # Another stage may have replaced the operation, so the name alone does not say which operation it is.
        if known is None or known.planned is not operation.planned:
            with bounded_nesting():
                priced = PricedOperation.of(operation.planned, self._weights, self._settings.list_size)
            known = state.known[operation.name] = _KnownOperation(operation.planned, priced)
        return known

    def _actual(self, known: _KnownOperation, context: RequestContext) -> int:
        measurement = known.measurement
        if measurement is None:
            measurement = Measurement.of(known.priced.selections, self._weights, context.variables)
            if measurement.is_fixed:
                known.measurement = measurement
        with bounded_nesting():
            return min(known.priced.base + measurement.total(context.data), MOST)

    def _estimate(self, known: _KnownOperation, variables: Mapping[str, object]) -> Estimate:
        """Return the estimate for these variables.

        The estimate is cached in `known` if the value of each variable is an integer, a boolean or null.
        """
        values = tuple(variables.values())
        if not all(value is None or isinstance(value, int) for value in values):
            with bounded_nesting():
                return known.priced.estimate(self._weights, variables)
        key = (*variables, *values, *map(type, values))  # True and 1 are equal, but only 1 is the size of a list
        found = known.estimates.get(key)
        if found is None:
            with bounded_nesting():
                found = known.priced.estimate(self._weights, variables)
            if len(known.estimates) < MOST_ESTIMATES:
                known.estimates[key] = found
        return found

    def _refuse(self, operation: Operation, code: str, message: str, extensions: dict[str, object]) -> None:
        enforced = self._settings.mode == "enforce"
        self.results["refused" if enforced else "exceeding"] += 1
        report(SecurityEvent.COST_EXCEEDED, operation=operation.name, code=code, refused=enforced, **extensions)
        if enforced:
            raise LimitExceeded(code, message, extensions=extensions)
