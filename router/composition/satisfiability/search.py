"""Walk the API schema breadth first; at each object know all positions the object could be at.

A *state* is a concrete type, the positions, and what the contexts set above can fill. Following a field leads to one
state for each concrete type its value can have. A state is not explored again if one with the same type, no more
positions and no more to fill from was: what was possible there is possible here. Breadth first, so the first failing
path is a shortest one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.model import ROOTS, FieldDef, Kind
from router.composition.satisfiability.filling import NO_FILLINGS, Contexts, Filling
from router.composition.satisfiability.graph import Graph, Position
from router.composition.satisfiability.overriding import assumptions
from router.composition.satisfiability.reasons import explain
from router.composition.satisfiability.rebuilt import Rebuilt
from router.composition.satisfiability.runtime_types import RuntimeTypes
from router.composition.satisfiability.witness import Step, print_witness
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.merge.state import MergeState

# Apollo's cap on outstanding subgraph paths; ours counts positions queued, and real supergraphs stay far below it.
MAX_POSITIONS = 1_000_000


@dataclass(frozen=True, slots=True)
class State:
    """`fillings` are had from the contexts set above, `below` from those and the ones set here; `path` leads here."""

    type_name: str
    positions: tuple[Position, ...]
    fillings: frozenset[Filling]
    below: frozenset[Filling]
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """What mattered of a state that was explored."""

    positions: frozenset[Position]
    fillings: frozenset[Filling]
    below: frozenset[Filling]

    def covers(self, other: Explored) -> bool:
        """Whether what was possible there is possible here."""
        return self.positions <= other.positions and self.fillings <= other.fillings and self.below <= other.below


def check_satisfiability(state: MergeState) -> None:
    """Report SATISFIABILITY_ERROR once for each unresolvable field of the API schema, with a shortest query to it."""
    reported: set[tuple[str, str]] = set()
    runtime_types = RuntimeTypes(state)
    rebuilt, contexts = Rebuilt(state), Contexts(state)
    for assumption in assumptions(state, rebuilt):
        graph = Graph(state, assumption, rebuilt, contexts)
        _Search(graph, reported, runtime_types).run()


class _Search:
    def __init__(self, graph: Graph, reported: set[tuple[str, str]], runtime_types: RuntimeTypes) -> None:
        self.graph = graph
        self.merge = graph.state
        self.supergraph = graph.state.supergraph
        self.reported = reported
        self.runtime_types = runtime_types
        self.explored: dict[str, list[Explored]] = {}
        self.queue: deque[State] = deque()
        self.outstanding = 0

    def run(self) -> None:
        for operation, name in ROOTS.items():
            if name in self.supergraph.types:
                self._start(operation, name)
        while self.queue:
            if self.outstanding > MAX_POSITIONS:
                self.merge.report.error(
                    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
                    f"More than {MAX_POSITIONS:,} ways to resolve queries were waiting to be checked: satisfiability "
                    "was not decided.",
                )
                return
            state = self.queue.popleft()
            self.outstanding -= len(state.positions)
            for member in self._api_fields(state.type_name):
                self._follow(state, member)

    def _start(self, operation: str, name: str) -> None:
        positions = tuple(
            Position(index, name) for index, facts in enumerate(self.merge.subgraphs) if name in facts.schema.types
        )
        start = State(name, positions, NO_FILLINGS, NO_FILLINGS, ())
        if name != ROOTS["mutation"]:
            self._enqueue(start)
            return
        # What a mutation returns is read where it was changed: a shared one must be complete in one of its subgraphs.
        for member in self._api_fields(name):
            self._follow(start, member, separately=True)
        del operation

    def _api_fields(self, type_name: str) -> Iterator[FieldDef]:
        definition = self.supergraph.types[type_name]
        return (member for member in definition.fields.values() if not member.has("inaccessible"))

    def _enqueue(self, state: State) -> None:
        explored = Explored(frozenset(state.positions), state.fillings, state.below)
        known = self.explored.setdefault(state.type_name, [])
        if any(each.covers(explored) for each in known):
            return
        known.append(explored)
        self.queue.append(state)
        self.outstanding += len(state.positions)

    def _follow(self, state: State, member: FieldDef, *, separately: bool = False) -> None:
        values = self._values(state, member.name)
        step = Step(member, None)
        if not values:
            self._fail(state, member)
            return
        self.runtime_types.compare(member, values, self.graph)
        groups = [values]
        if separately and len(values) > 1:
            groups = [self._complete_group(state, member, values)]
        for group in groups:
            self._descend(state, step, group)

    def _values(self, state: State, name: str) -> tuple[Position, ...]:
        values: dict[Position, None] = {}
        for position in state.positions:
            # A mutation at the top runs where it is sent to.
            reached = self.graph.reachable(position) if state.path else (position,)
            for seen in reached:
                value = self.graph.step(seen, name, state.fillings)
                if value is not None:
                    values[value] = None
        return tuple(values)

    def _complete_group(self, state: State, member: FieldDef, values: tuple[Position, ...]) -> tuple[Position, ...]:
        """The values of one subgraph from which everything below resolves, or all of them if there is none."""
        for value in values:
            trial = _Search(self.graph, set(), RuntimeTypes(None))
            trial.merge = self.merge.silent()
            trial._descend(state, Step(member, None), (value,))
            trial._drain()
            if not trial.merge.report.failed():
                return (value,)
        return values[:1]

    def _drain(self) -> None:
        while self.queue and self.outstanding <= MAX_POSITIONS:
            state = self.queue.popleft()
            self.outstanding -= len(state.positions)
            for member in self._api_fields(state.type_name):
                self._follow(state, member)

    def _descend(self, state: State, step: Step, values: tuple[Position, ...]) -> None:
        target = self.supergraph.types.get(base_name(step.member.type))
        if target is None or target.has("inaccessible"):
            return
        for name in sorted(self.graph.possible(target.name)):
            concrete = self.supergraph.types[name]
            if concrete.has("inaccessible"):
                continue
            possible = [value for value in values if name in self.graph.concrete_names(value)]
            if not possible:
                continue
            positions = tuple(dict.fromkeys(each for value in possible for each in self.graph.as_type(value, name)))
            reached = Step(step.member, name if target.kind is not Kind.OBJECT else None)
            if not positions:
                self._fail_type(state, reached, possible)
                continue
            below = self.graph.filled_below(name, positions, state.below)
            self._enqueue(State(name, positions, state.below, below, (*state.path, reached)))

    def _fail(self, state: State, member: FieldDef) -> None:
        if (state.type_name, member.name) in self.reported:
            return
        self.reported.add((state.type_name, member.name))
        query = print_witness(self.supergraph, state.path, member)
        reasons = explain(self.graph, state.positions, member)
        self._report(query, reasons)

    def _fail_type(self, state: State, step: Step, values: list[Position]) -> None:
        if (step.member.coordinate, "") in self.reported:
            return
        self.reported.add((step.member.coordinate, ""))
        query = print_witness(self.supergraph, (*state.path, step), None)
        interface = values[0].type_name
        names = self.merge.names(dict.fromkeys(value.index for value in values))
        self._report(
            query,
            f"- from subgraph {names}: no subgraph can be reached that has the interface {interface} with a resolvable "
            "@key and knows its implementations, so the type behind the @interfaceObject cannot be found.",
        )

    def _report(self, query: str, reasons: str) -> None:
        self.merge.report.error(
            "SATISFIABILITY_ERROR",
            f"The following query is possible on the supergraph, but the subgraphs cannot resolve it:\n{query}\n"
            f"because\n{reasons}",
        )
