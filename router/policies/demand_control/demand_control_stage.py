"""`DemandControl`: the stage that estimates each operation, refuses expensive ones, and measures responses."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from router.errors import LimitExceeded
from router.pipeline.stage import Stage
from router.policies.demand_control.actual_cost import Measurement
from router.policies.demand_control.estimate import AmbiguousSize, Estimate, Estimation
from router.policies.demand_control.priced_selections import MAX_COST, PricedSelection, Pricing, variables_of
from router.policies.demand_control.schema_weights import SchemaWeights
from router.policies.estimates_by_variables import EstimatesByVariables
from router.policies.read_conditions_and_list_sizes import defaults_of
from router.preparation.read_and_cache_documents import bounded_nesting
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import GraphQLResponse

TOO_EXPENSIVE: Final = "COST_ESTIMATED_TOO_EXPENSIVE"
UNKNOWN_SIZE: Final = "COST_QUERY_PARSE_FAILURE"
HEADER: Final = "cost"
VALUE: Final = "include"
EXTENSION: Final = "cost"


class PricedOperation(msgspec.Struct, frozen=True):
    """One operation, with the costs of its selections. `base` is the cost of the operation without its fields."""

    base: int
    selections: tuple[PricedSelection, ...]
    defaults: Mapping[str, object]

    @classmethod
    def of(cls, operation: PreparedOperation, weights: SchemaWeights, list_size: int) -> PricedOperation:
        """Find the cost of each field of an operation. The estimate of a request is then only a calculation."""
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
        return Estimate(min(self.base + cost, MAX_COST), path)


class _KnownOperation(msgspec.Struct, eq=False):
    """An operation with results that all its requests share."""

    priced: PricedOperation
    estimates: EstimatesByVariables[Estimate]
    measurement: Measurement | None = None

    @classmethod
    def of(cls, operation: PreparedOperation, weights: SchemaWeights, list_size: int) -> _KnownOperation:
        """Prepare the estimates of an operation. This is done once for all requests with the operation."""
        with bounded_nesting():
            priced = PricedOperation.of(operation, weights, list_size)
            names = set(variables_of(priced.selections, set()))

        def estimate(variables: Mapping[str, object]) -> Estimate:
            with bounded_nesting():
                return priced.estimate(weights, variables)

        return cls(priced, EstimatesByVariables(names, estimate))


class DemandControl(Stage):
    """Estimates operations before anything is fetched, and measures their responses."""

    def __init__(self, inputs: PolicySetup) -> None:
        self._weights = SchemaWeights(inputs.supergraph)
        self._settings = inputs.settings.demand_control
        self.results: Counter[str] = Counter()

    @classmethod
    def configured(cls, inputs: PolicySetup) -> DemandControl | None:
        """Return the stage, or None if demand control is disabled."""
        return cls(inputs) if inputs.settings.demand_control.mode != "disabled" else None

    def inherit(self, previous: Stage) -> None:
        """Take over the counters of the stage that this stage replaces."""
        if isinstance(previous, DemandControl):
            self.results = previous.results

    def status(self) -> Mapping[str, object]:
        """Return how many operations were within the limit, and how many were above it."""
        return {"demand_control": dict(self.results)}

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Estimate the operation. Refuse it if the estimate is above the limit.

        Raises:
            LimitExceeded: The operation costs too much, or the size of a list is ambiguous.
        """
        known = context.state[self] = self._known(operation.planned)
        try:
            estimate = known.estimates.of(context.variables)
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
        known = context.state.get(self)
        if not isinstance(known, _KnownOperation):
            return response
        if self._settings.measure_responses and context.completed is not None:
            context.record.cost_actual = self._actual(known, context)
        if not self._settings.in_responses or context.received.headers.get(HEADER) != VALUE:
            return response
        record, given = context.record, response.body.get("extensions")
        shown = {"estimated": record.cost_estimated, "actual": record.cost_actual, "max": self._settings.max_cost}
        extensions = {**(given if isinstance(given, dict) else {}), EXTENSION: shown}
        return replace(response, body={**response.body, "extensions": extensions})

    def _known(self, operation: PreparedOperation) -> _KnownOperation:
        known = operation.notes.get(self)
        if known is None:
            list_size = self._settings.list_size
            known = operation.notes[self] = _KnownOperation.of(operation, self._weights, list_size)
        assert isinstance(known, _KnownOperation)  # noqa: S101 - only this stage uses this key
        return known

    def _actual(self, known: _KnownOperation, context: RequestContext) -> int:
        measurement = known.measurement
        if measurement is None:
            measurement = Measurement.of(known.priced.selections, self._weights, context.variables)
            if measurement.is_fixed:
                known.measurement = measurement
        with bounded_nesting():
            return min(known.priced.base + measurement.total(context.data), MAX_COST)

    def _refuse(self, operation: Operation, code: str, message: str, extensions: dict[str, object]) -> None:
        enforced = self._settings.mode == "enforce"
        self.results["refused" if enforced else "exceeding"] += 1
        report(SecurityEvent.COST_EXCEEDED, operation=operation.name, code=code, refused=enforced, **extensions)
        if enforced:
            raise LimitExceeded(code, message, extensions=extensions)
