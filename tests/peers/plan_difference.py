"""Compares our plan of an operation with Apollo's by the number of fetches and their depth.

Apollo's executor runs the nodes of a `Sequence` one after the other, and those of a `Parallel` at once. Ours starts
each fetch when the fetches that it depends on are merged.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    print_ast,
    visit,
)

from router.planner import PlanOptions, plan
from tests.peers.apollo_plan import read_plan
from tests.peers.peers import PeerTimeout
from tests.router.oracle.monolith import ResponseTooLarge
from tests.router.planner.plan_checker import depth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from router.plan import Fetch, QueryPlan
    from router.supergraph import Supergraph
    from router.supergraph.model import SubgraphModel
    from tests.peers.peers import Peers
    from tests.router.oracle.comparison import ComposedFederation
    from tests.router.oracle.data_store import Data
    from tests.router.oracle.operation_generator import Operation

# Apollo's planner often takes too long for several operations on the same supergraph.
MAX_TIMEOUTS = 2


@dataclass(frozen=True, slots=True)
class PlanMeasure:
    """The number of fetches of a plan, and the largest number that run one after the other."""

    fetches: int
    depth: int

    def is_worse_than(self, other: PlanMeasure) -> bool:
        return self.fetches > other.fetches or self.depth > other.depth

    def __str__(self) -> str:
        return f"{self.fetches} fetches, depth {self.depth}"


@dataclass(frozen=True, slots=True)
class PlanComparison:
    """The measures of both plans of an operation. `their_plan` is Apollo's plan in its JSON format."""

    operation: Operation
    ours: PlanMeasure
    theirs: PlanMeasure
    their_plan: dict[str, Any]

    @property
    def is_worse(self) -> bool:
        return self.ours.is_worse_than(self.theirs)

    @property
    def is_better(self) -> bool:
        return self.theirs.is_worse_than(self.ours) and not self.is_worse

    def __str__(self) -> str:
        return f"ours {self.ours}, theirs {self.theirs}: {self.operation.query}"


def measure(planned: QueryPlan) -> PlanMeasure:
    return PlanMeasure(len(list(planned.fetches())), depth(planned))


def measure_json(plan_json: dict[str, Any]) -> PlanMeasure:
    """The measure of a plan in Apollo's JSON format."""
    return _node_measure(plan_json.get("node"))


def _node_measure(node: dict[str, Any] | None) -> PlanMeasure:
    if node is None:
        return PlanMeasure(0, 0)
    match node["kind"]:
        case "Fetch":
            return PlanMeasure(1, 1)
        case "Flatten":
            return _node_measure(node["node"])
        case "Sequence":
            parts = [_node_measure(child) for child in node["nodes"]]
            return PlanMeasure(sum(part.fetches for part in parts), sum(part.depth for part in parts))
        case "Parallel":
            return _parallel([_node_measure(child) for child in node["nodes"]])
        case "Condition":
            return _parallel([_node_measure(node.get("ifClause")), _node_measure(node.get("elseClause"))])
        case kind:
            raise AssertionError(f"unknown kind of plan node: {kind}")


def _parallel(parts: Sequence[PlanMeasure]) -> PlanMeasure:
    return PlanMeasure(sum(part.fetches for part in parts), max((part.depth for part in parts), default=0))


def is_comparable(query: str) -> bool:
    """Whether the plans of both planners should be equally good.

    Not for a mutation with several fields: we fetch the selections of one field before the next field changes the data,
    Apollo fetches them all after the last field. Not for `@defer` either, because Apollo's planner ignores it here.
    """
    if "@defer" in query:
        return False
    document = parse(query)
    operation = next(item for item in document.definitions if isinstance(item, OperationDefinitionNode))
    selections = operation.selection_set.selections
    is_single = len(selections) == 1 and isinstance(selections[0], FieldNode)
    return operation.operation is not OperationType.MUTATION or is_single


def compare_plans(
    peers: Peers, supergraph: Supergraph, operations: Sequence[Operation], seconds: float
) -> Iterator[PlanComparison]:
    """Plan with both planners. Operations that Apollo's planner does not plan in `seconds` are left out.

    After `MAX_TIMEOUTS` of them, the other operations are left out too.

    Raises:
        PeerCrash, PeerTimeout: Apollo's planner does not load the supergraph.
    """
    peers.plans(supergraph.sdl, [], "apollo", seconds=seconds)
    timeouts = 0
    for operation in operations:
        try:
            (theirs,) = peers.plans(supergraph.sdl, [operation.query], "apollo", seconds=seconds)
        except PeerTimeout:
            timeouts += 1
            if timeouts == MAX_TIMEOUTS:
                return
            continue
        if theirs.plan is None:
            continue
        ours = measure(plan(supergraph, operation.query, options=PlanOptions(batch_entity_fetches=False)))
        yield PlanComparison(operation, ours, measure_json(theirs.plan), theirs.plan)


def is_apollos_plan_right(federation: ComposedFederation, datasets: Iterable[Data], comparison: PlanComparison) -> bool:
    """Whether Apollo's plan gives the monolith's response for all data sets for which ours does.

    Data sets with a response that is too large for the monolith are left out.
    Both plans run with our executor and strict subgraphs. A strict subgraph reports an error for an external field that
    is not provided, and for a field without its required values. All values of Boolean variables are tested, so that no
    condition hides such a field.
    """
    theirs = read_plan(comparison.their_plan)
    operation = comparison.operation
    if any(
        _fetches_without_requirements(federation.supergraph.subgraphs[fetch.service_name], fetch)
        for fetch in theirs.fetches()
    ):
        return False
    ours = plan(federation.supergraph, operation.query)
    for data in datasets:
        with_data = replace(federation, data=data)
        for variables in (operation.variables, *_variable_combinations(operation)):
            tried = replace(operation, variables=variables)
            with suppress(ResponseTooLarge):
                if not _is_right(with_data, tried, theirs) and _is_right(with_data, tried, ours):
                    return False
    return True


def _is_right(federation: ComposedFederation, operation: Operation, planned: QueryPlan) -> bool:
    """Whether the plan gives the monolith's response."""
    try:
        asyncio.run(federation.check(operation, planned))
    except AssertionError:
        return False
    except ExceptionGroup as failures:
        # A fetch with an operation that is not valid in its subgraph.
        if failures.split(AssertionError)[1] is not None:
            raise
        return False
    return True


def _fetches_without_requirements(subgraph: SubgraphModel, fetch: Fetch) -> bool:
    """Whether the fetch selects a field with `@requires` anywhere but directly on its representations."""
    type_info = TypeInfo(subgraph.schema)
    visitor = _RequiringFieldFinder(subgraph, type_info, required_depth=2 if fetch.requires else 0)
    visit(parse(fetch.operation), TypeInfoVisitor(type_info, visitor))
    return visitor.found


class _RequiringFieldFinder(Visitor):
    """Finds fields with `@requires` at any depth but one; the root fields of an operation have depth 1."""

    def __init__(self, subgraph: SubgraphModel, type_info: TypeInfo, required_depth: int) -> None:
        super().__init__()
        self._subgraph = subgraph
        self._type_info = type_info
        self._required_depth = required_depth
        self._depth = 0
        self.found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._depth += 1
        parent = self._type_info.get_parent_type()
        definition = None if parent is None else self._subgraph.types.get(parent.name)
        field = None if definition is None else definition.fields.get(node.name.value)
        self.found |= field is not None and field.requires is not None and self._depth != self._required_depth

    def leave_field(self, *_: object) -> None:
        self._depth -= 1


def _variable_combinations(operation: Operation) -> list[dict[str, object]]:
    """The variables with all combinations of Boolean values; an operation of the oracle has at most three."""
    definition = next(item for item in parse(operation.query).definitions if isinstance(item, OperationDefinitionNode))
    booleans = [
        one.variable.name.value for one in definition.variable_definitions or () if print_ast(one.type) == "Boolean!"
    ]
    truths = product((True, False), repeat=len(booleans))
    return [operation.variables | dict(zip(booleans, truth, strict=True)) for truth in truths] if booleans else []
