"""Where our plan of an operation costs more than Apollo's: fetches, and how many of them wait for each other in a row.

A peer's plan is read as its executor runs it: a `Sequence` one node after the other, a `Parallel` all at once. Ours
starts each fetch when those it depends on are merged.
"""

from __future__ import annotations

import asyncio
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
from tests.peers.peers import PeerCrash
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


@dataclass(frozen=True, slots=True)
class Measure:
    """How many fetches a plan has and how many of them at most run one after the other."""

    fetches: int
    depth: int

    def is_worse_than(self, other: Measure) -> bool:
        return self.fetches > other.fetches or self.depth > other.depth

    def __str__(self) -> str:
        return f"{self.fetches} fetches, depth {self.depth}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operation planned by both. `their_plan` is Apollo's, in its JSON format."""

    operation: Operation
    ours: Measure
    theirs: Measure
    their_plan: dict[str, Any]

    @property
    def is_worse(self) -> bool:
        return self.ours.is_worse_than(self.theirs)

    @property
    def is_better(self) -> bool:
        return self.theirs.is_worse_than(self.ours) and not self.is_worse

    def __str__(self) -> str:
        return f"ours {self.ours}, theirs {self.theirs}: {self.operation.query}"


def measure(planned: QueryPlan) -> Measure:
    return Measure(len(list(planned.fetches())), depth(planned))


def measure_json(plan_json: dict[str, Any]) -> Measure:
    """The measure of a plan in Apollo's JSON format."""
    return _node_measure(plan_json.get("node"))


def _node_measure(node: dict[str, Any] | None) -> Measure:
    if node is None:
        return Measure(0, 0)
    match node["kind"]:
        case "Fetch":
            return Measure(1, 1)
        case "Flatten":
            return _node_measure(node["node"])
        case "Sequence":
            parts = [_node_measure(child) for child in node["nodes"]]
            return Measure(sum(part.fetches for part in parts), sum(part.depth for part in parts))
        case "Parallel":
            return _side_by_side([_node_measure(child) for child in node["nodes"]])
        case "Condition":
            return _side_by_side([_node_measure(node.get("ifClause")), _node_measure(node.get("elseClause"))])
        case kind:
            raise AssertionError(f"a plan node this measure does not know: {kind}")


def _side_by_side(parts: Sequence[Measure]) -> Measure:
    return Measure(sum(part.fetches for part in parts), max((part.depth for part in parts), default=0))


def is_comparable(query: str) -> bool:
    """Whether both planners aim at the same plan.

    They do not for a mutation of several fields. What is fetched for one field must be read before the next field
    changes it: we wait for that, Apollo reads everything after the last. Nor for `@defer`, which this Apollo ignores.
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
) -> Iterator[Comparison]:
    """Plan with both.

    Raises:
        PeerCrash, PeerTimeout: Apollo's planner refuses the supergraph or an operation, or gave no answer.
    """
    queries = [operation.query for operation in operations]
    for operation, theirs in zip(
        operations, peers.plans(supergraph.sdl, queries, "apollo", seconds=seconds), strict=True
    ):
        if theirs.plan is None:
            raise PeerCrash(theirs.crash)
        ours = measure(plan(supergraph, operation.query, options=PlanOptions(batch_entity_fetches=False)))
        yield Comparison(operation, ours, measure_json(theirs.plan), theirs.plan)


def is_theirs_right(subject: ComposedFederation, datasets: Iterable[Data], comparison: Comparison) -> bool:
    """Whether Apollo's plan, run by our executor over strict subgraphs, gives the monolith's answer for all the data.

    A strict subgraph throws when it is asked for an external field nobody provides there, or for a field that requires
    others without being given them. Conditions must not hide that: they are tried the other way round too.
    """
    planned = read_plan(comparison.their_plan)
    operation = comparison.operation
    if any(_asks_unprepared(subject.supergraph.subgraphs[fetch.service_name], fetch) for fetch in planned.fetches()):
        return False
    try:
        for data in datasets:
            for variables in (operation.variables, *_flipped(operation)):
                asyncio.run(replace(subject, data=data).check(replace(operation, variables=variables), planned))
    except AssertionError:
        return False
    except ExceptionGroup as failures:
        # A fetch that its subgraph finds invalid.
        if failures.split(AssertionError)[1] is not None:
            raise
        return False
    return True


def _asks_unprepared(subgraph: SubgraphModel, fetch: Fetch) -> bool:
    """Whether the fetch asks for a field that requires others where it can bring none: not on its representations."""
    type_info = TypeInfo(subgraph.schema)
    visitor = _RequiringFields(subgraph, type_info, given_at=2 if fetch.requires else 0)
    visit(parse(fetch.operation), TypeInfoVisitor(type_info, visitor))
    return visitor.found


class _RequiringFields(Visitor):
    """Finds fields that require others anywhere but at one depth, the operation's own fields being at depth 1."""

    def __init__(self, subgraph: SubgraphModel, type_info: TypeInfo, given_at: int) -> None:
        super().__init__()
        self._subgraph = subgraph
        self._type_info = type_info
        self._given_at = given_at
        self._depth = 0
        self.found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._depth += 1
        parent = self._type_info.get_parent_type()
        definition = None if parent is None else self._subgraph.types.get(parent.name)
        field = None if definition is None else definition.fields.get(node.name.value)
        self.found |= field is not None and field.requires is not None and self._depth != self._given_at

    def leave_field(self, *_: object) -> None:
        self._depth -= 1


def _flipped(operation: Operation) -> list[dict[str, object]]:
    """The variables with every combination of the Boolean ones: the oracle declares three at most."""
    definition = next(item for item in parse(operation.query).definitions if isinstance(item, OperationDefinitionNode))
    booleans = [
        one.variable.name.value for one in definition.variable_definitions or () if print_ast(one.type) == "Boolean!"
    ]
    truths = product((True, False), repeat=len(booleans))
    return [operation.variables | dict(zip(booleans, truth, strict=True)) for truth in truths] if booleans else []
