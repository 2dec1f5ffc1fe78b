"""Search the API schema for fields that no subgraph can resolve (composition §9).

The search starts at the root types and follows every field. A *state* of the search is an object that a query can
reach: its type, its positions, and the context selections that the router can fetch for its fields. For each field of
the object, the search creates one new state for each possible object type of the field's value.

A new state is skipped if it has all positions and all context selections of an explored state of the same type: every
field that was resolvable from the explored state is then also resolvable from the new state.

The search is breadth first. So an error message shows one of the shortest queries that fail.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.model import ROOTS, FieldDef, Kind
from router.composition.satisfiability.compare_runtime_types import RuntimeTypes
from router.composition.satisfiability.context_selections import NO_CONTEXT_SELECTIONS, Contexts, ContextSelection
from router.composition.satisfiability.failing_query import QueryStep, print_failing_query
from router.composition.satisfiability.failure_reasons import failure_reasons
from router.composition.satisfiability.override_label_combinations import label_assumptions
from router.composition.satisfiability.position_graph import Position, PositionGraph
from router.composition.satisfiability.reachability import Reachability
from router.composition.satisfiability.reachability_by_other_planners import (
    FAILURE,
    ReachabilityByOtherPlanners,
    may_be_unplannable_elsewhere,
)
from router.composition.satisfiability.types_lost_by_extraction import LostTypes
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.composition.merge.merge_state import MergeState

# The highest number of positions that all states in the queue may have together. Apollo's composition has a similar
# limit for the subgraph paths in its queue. Real supergraphs stay far below the limit.
MAX_POSITIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class SearchState:
    """An object that a query can reach.

    Attributes:
        type_name: The object type.
        positions: The positions of the object in the subgraphs that resolve the last field of `path`. Positions that
            the router reaches from there by keys may be missing.
        available: The context selections that the router can fetch for fields of the object.
        available_below: The context selections that the router can fetch for fields of objects below this object. If
            this object sets a context, they differ from `available`.
        path: The fields from the root to the object.
    """

    type_name: str
    positions: tuple[Position, ...]
    available: frozenset[ContextSelection]
    available_below: frozenset[ContextSelection]
    path: tuple[QueryStep, ...]


@dataclass(frozen=True, slots=True)
class ExploredState:
    """The part of a `SearchState` that decides which fields of the object can be resolved."""

    positions: frozenset[Position]
    available: frozenset[ContextSelection]
    available_below: frozenset[ContextSelection]

    def covers(self, other: ExploredState) -> bool:
        """Return whether every field that can be resolved from this state can also be resolved from `other`."""
        return (
            self.positions <= other.positions
            and self.available <= other.available
            and self.available_below <= other.available_below
        )


def check_satisfiability(state: MergeState) -> None:
    """Check that the subgraphs can resolve every query on the API schema (composition §9).

    Reports SATISFIABILITY_ERROR once for each field that cannot be resolved, with an example query. Reports
    MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED if the search is too large. Reports the hint UNPLANNABLE_BY_OTHER_ROUTERS
    for fields that other planners cannot resolve.

    Args:
        state: The result of the merge. Errors and hints are added to `state.report`.
    """
    reported: set[tuple[str, str]] = set()
    runtime_types = RuntimeTypes(state)
    lost_types, contexts = LostTypes(state), Contexts(state)
    for assumption in label_assumptions(state, lost_types):
        graph = PositionGraph(state, assumption, lost_types)
        _Search(state, Reachability(graph, contexts), reported, runtime_types).run()
    if state.report.failed() or not may_be_unplannable_elsewhere(state):
        return
    trial = state.silent()
    for assumption in label_assumptions(state, lost_types):
        graph = PositionGraph(state, assumption, lost_types)
        _Search(trial, ReachabilityByOtherPlanners(graph, contexts), reported, RuntimeTypes(None)).run()
    for failure in trial.report.errors:
        if failure.code == "SATISFIABILITY_ERROR":
            _, query_and_reasons = failure.message.split(":\n", 1)
            state.report.hint("UNPLANNABLE_BY_OTHER_ROUTERS", f"{FAILURE}:\n{query_and_reasons}")


class _Search:
    def __init__(
        self,
        state: MergeState,
        reachability: Reachability,
        reported: set[tuple[str, str]],
        runtime_types: RuntimeTypes,
    ) -> None:
        self.merge = state
        self.reachability = reachability
        self.graph = reachability.graph
        self.supergraph = state.supergraph
        self.reported = reported
        self.runtime_types = runtime_types
        self.explored: dict[str, list[ExploredState]] = {}
        self.queue: deque[SearchState] = deque()
        self.outstanding = 0

    def run(self) -> None:
        """Search from all root types, and report each field that cannot be resolved."""
        for name in ROOTS.values():
            if name in self.supergraph.types:
                self._start(name)
        self._explore()
        if self.queue:
            self.merge.report.error(
                "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
                f"The check of satisfiability is incomplete: more than {MAX_POSITIONS:,} positions were waiting to be "
                "explored.",
            )

    def _explore(self) -> None:
        """Explore queued states until the queue is empty or the queued states have too many positions."""
        while self.queue and self.outstanding <= MAX_POSITIONS:
            state = self.queue.popleft()
            self.outstanding -= len(state.positions)
            self._follow_all(state)

    def _start(self, root: str) -> None:
        positions = tuple(
            Position(index, root)
            for index, subgraph in enumerate(self.merge.subgraphs)
            if root in subgraph.schema.types
        )
        below = self.reachability.available_below(root, positions, NO_CONTEXT_SELECTIONS)
        start = SearchState(root, positions, NO_CONTEXT_SELECTIONS, below, ())
        if root != ROOTS["mutation"]:
            self._enqueue(start)
            return
        self._follow_all(start)

    def _api_fields(self, type_name: str) -> Iterator[FieldDef]:
        definition = self.supergraph.types[type_name]
        return (member for member in definition.fields.values() if not member.has("inaccessible"))

    def _enqueue(self, state: SearchState) -> None:
        explored = ExploredState(frozenset(state.positions), state.available, state.available_below)
        known = self.explored.setdefault(state.type_name, [])
        if any(each.covers(explored) for each in known):
            return
        known.append(explored)
        self.queue.append(state)
        self.outstanding += len(state.positions)

    def _follow_all(self, state: SearchState) -> None:
        # A root type has positions in all subgraphs, and most of them declare only a few of its fields. So each
        # position is asked only for the fields that it declares.
        declaring: dict[str, list[Position]] = {}
        for position in self._reached(state):
            for name in self.graph.definition(position).fields:
                declaring.setdefault(name, []).append(position)
        for member in self._api_fields(state.type_name):
            self._follow(state, member, declaring.get(member.name, ()))

    def _follow(self, state: SearchState, member: FieldDef, declaring: Sequence[Position]) -> None:
        resolved = (self.reachability.resolve(position, member.name, state.available) for position in declaring)
        values = tuple(dict.fromkeys(value for value in resolved if value is not None))
        if not values:
            self._fail(state, member)
            return
        self.runtime_types.compare(member, values, self.graph)
        if not state.path and state.type_name == ROOTS["mutation"] and len(values) > 1:
            values = (self._complete_value(state, member, values),)
        self._descend(state, QueryStep(member, None), values)

    def _reached(self, state: SearchState) -> Iterator[Position]:
        # A state with an empty path is a root type. Its `positions` are already the positions in all subgraphs.
        for position in state.positions:
            yield from self.reachability.reachable(position) if state.path else (position,)

    def _complete_value(self, state: SearchState, member: FieldDef, values: tuple[Position, ...]) -> Position:
        """Choose the subgraph to which the router sends the mutation field `member`, and return the value's position.

        Several subgraphs resolve `member`, but the router sends a mutation field to only one subgraph. So all fields
        below `member` must be resolvable from the value of this subgraph (composition §9.3). The result is the first
        position in `values` for which this is true. If no position qualifies, the result is the first position, and the
        search then reports the fields that cannot be resolved from there.
        """
        for value in values:
            trial = _Search(self.merge.silent(), self.reachability, set(), RuntimeTypes(None))
            trial._descend(state, QueryStep(member, None), (value,))
            trial._explore()
            if not trial.merge.report.failed():
                return value
        return values[0]

    def _descend(self, state: SearchState, step: QueryStep, values: tuple[Position, ...]) -> None:
        target = self.supergraph.types.get(base_name(step.member.type))
        if target is None or target.has("inaccessible"):
            return
        for name in sorted(self.graph.possible_types(target.name)):
            concrete = self.supergraph.types[name]
            if concrete.has("inaccessible"):
                continue
            possible = [value for value in values if name in self.graph.concrete_types(value)]
            if not possible:
                continue
            positions = tuple(
                dict.fromkeys(each for value in possible for each in self.reachability.as_type(value, name))
            )
            reached = QueryStep(step.member, name if target.kind is not Kind.OBJECT else None)
            if not positions:
                self._fail_type(state, reached, possible)
                continue
            below = self.reachability.available_below(name, positions, state.available_below)
            self._enqueue(SearchState(name, positions, state.available_below, below, (*state.path, reached)))

    def _fail(self, state: SearchState, member: FieldDef) -> None:
        if (state.type_name, member.name) in self.reported:
            return
        self.reported.add((state.type_name, member.name))
        query = print_failing_query(self.supergraph, state.path, member)
        self._report(query, failure_reasons(self.reachability, state.positions, member))

    def _fail_type(self, state: SearchState, step: QueryStep, values: list[Position]) -> None:
        if (step.member.coordinate, "") in self.reported:
            return
        self.reported.add((step.member.coordinate, ""))
        query = print_failing_query(self.supergraph, (*state.path, step), None)
        interface = values[0].type_name
        names = self.merge.names(dict.fromkeys(value.index for value in values))
        self._report(
            query,
            f"- from subgraph {names}: {interface} is an @interfaceObject, so another subgraph must find the object's "
            f"type, but no reachable subgraph has the interface {interface} with a resolvable @key and its "
            "implementations.",
        )

    def _report(self, query: str, reasons: str) -> None:
        self.merge.report.error(
            "SATISFIABILITY_ERROR",
            f"The following query is possible on the supergraph, but the subgraphs cannot resolve it:\n{query}\n"
            f"because\n{reasons}",
        )
