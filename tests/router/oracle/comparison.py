"""Running one operation on both sides of the oracle, and what must be equal.

Data are equal, the order of fields included. Errors are compared by presence: none on one side means none on the other,
and below or at each null an error caused for the monolith the router has an error too. Never by number: a list of ten
references to one broken object is one failure or ten. Mutations reach the resolvers in the same order, with the same
arguments, exactly once.

Where something a field requires failed, a null is right whose error is at it, below it or above it: fields asked in
one request with that field are lost with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import build_schema, lexicographic_sort_schema, parse, print_schema

from router.composition import Subgraph as Composable
from router.composition import compose
from router.executor.context import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.operation import get_operation
from router.planner import PlanOptions, plan
from router.supergraph import load
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import InProcess, Monolith
from tests.router.oracle.store import InputFailed, Store, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import ExecutionResult as MonolithsResult
    from graphql import GraphQLSchema

    from router.executor.context import ExecutionResult
    from router.plan import QueryPlan
    from router.supergraph import Supergraph
    from tests.router.oracle.federations import Generated
    from tests.router.oracle.operations import Operation
    from tests.router.oracle.store import Data

# What the router adds to every API schema.
DEFER = "\ndirective @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT"


class Difference(AssertionError):
    """The router's answer is not the monolith's."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A federation, composed and loaded, beside its monolith."""

    merged: GraphQLSchema
    federation: Federation
    supergraph: Supergraph
    data: Data
    labels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, generated: Generated) -> Subject:
        merged = build_schema(generated.merged + DEFER)
        supergraph = composed(generated.subgraphs)
        expected, got = _printed(merged), _printed(supergraph.api_schema)
        if expected != got:
            raise Difference(f"API schema\n--- expected\n{expected}\n--- got\n{got}")
        labels = generated.labels
        return cls(merged, Federation.of(generated.subgraphs, labels), supergraph, generated.data, labels)

    def store(self) -> Store:
        return Store(self.data, self.federation.meaning)

    def expected(self, operation: Operation, store: Store | None = None) -> MonolithsResult:
        """The monolith's answer, which is one: what may come later comes with the rest."""
        monolith = Monolith(self.merged, self.federation)
        at_once = re.sub(r"@defer\b(\([^)]*\))?", "", operation.query)
        return monolith.execute(store or self.store(), at_once, operation.variables)

    async def check(self, operation: Operation, planned: QueryPlan | None = None) -> None:
        """Raises `Difference` when router and monolith disagree; `planned` is run instead of the router's plan."""
        alone, together = self.store(), self.store()
        expected = self.expected(operation, alone)
        transport = InProcess.over(self.federation, together)
        got = await answer(self.supergraph, transport, operation, planned, self.labels)
        if any(isinstance(error.original_error, InputFailed) for error in expected.errors or ()):
            # What is asked in one request with a field that cannot be computed is lost with it.
            _compare_partial(expected.data, got, "an input failed")
        elif _has_lost_object(expected) and plain(expected.data) != plain(got.data):
            # What fails where nothing may be null takes along what others require of the same object.
            _compare_partial(expected.data, got, "an object was lost")
        else:
            _compare_data(expected.data, got.data)
            _compare_errors(expected, got)
        if alone.mutations != together.mutations:
            raise Difference(f"mutations\nexpected {alone.mutations}\ngot      {together.mutations}")

    async def check_without(self, operation: Operation, subgraph: str) -> None:
        """With one subgraph out of reach, what is answered is right, and what is missing has an error.

        Raises `Difference` when a value is not the monolith's, or a null that is none there has no error at it, below
        it or above it.
        """
        expected = self.expected(operation)
        transport = InProcess.over(self.federation, self.store())
        transport.unreachable = frozenset({subgraph})
        got = await answer(self.supergraph, transport, operation, override_labels=self.labels)
        _compare_partial(expected.data, got, f"without {subgraph}")


def _compare_partial(expected: object, got: ExecutionResult, why: str) -> None:
    """What is answered is right, and what is missing has an error at it, below it or above it."""
    paths = [error.path or () for error in got.errors]
    for missing in _missing(plain(expected), plain(got.data), ()):
        if not any(path[: len(missing)] == missing[: len(path)] for path in paths):
            raise Difference(f"{why}: no error explains the null at {missing}\ngot {got.errors}")


def _missing(expected: object, got: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """The nulls of `got` that are none in `expected`; every other value must be equal."""
    match expected, got:
        case dict(), dict() if list(expected) == list(got):
            for key in expected:
                yield from _missing(expected[key], got[key], (*path, key))
        case list(), list() if len(expected) == len(got):
            for index, item in enumerate(expected):
                yield from _missing(item, got[index], (*path, index))
        case _, None:
            if expected is not None:
                yield path
        case _:
            if expected != got:
                raise Difference(f"at {path}\nexpected {expected}\ngot      {got}")


def composed(subgraphs: Mapping[str, str]) -> Supergraph:
    composition = compose([Composable(name, f"http://{name}.example/graphql", sdl) for name, sdl in subgraphs.items()])
    if composition.supergraph_sdl is None:
        raise Difference(f"composition refused: {composition.errors}")
    return load(composition.supergraph_sdl)


async def answer(
    supergraph: Supergraph,
    transport: InProcess,
    operation: Operation,
    planned: QueryPlan | None = None,
    override_labels: frozenset[str] = frozenset(),
) -> ExecutionResult:
    """What the router answers."""
    document = parse(operation.query)
    prepared = get_operation(supergraph.api_schema, document)
    context = ExecutionContext(supergraph.schema, transport, coerce(prepared, operation.variables))
    planned = planned or plan(supergraph, document, options=PlanOptions(override_labels))
    return await execute(planned, prepared, context)


def _printed(schema: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(schema))


def _compare_data(expected: object, got: object) -> None:
    exact, actual = json.dumps(plain(expected)), json.dumps(plain(got))
    if exact != actual:
        raise Difference(f"data\nexpected {exact}\ngot      {actual}")


def _compare_errors(expected: MonolithsResult, got: ExecutionResult) -> None:
    errors = expected.errors or []
    paths = [tuple(error.path or ()) for error in errors]
    if bool(errors) != bool(got.errors):
        raise Difference(f"errors\nexpected at {paths}\ngot {got.errors}")
    told = [tuple(error.path or ()) for error in got.errors]
    for path in paths:
        null = _null_above(path, expected.data)
        if not any(own[: len(null)] == null for own in told):
            raise Difference(f"no error explains the null at {null}\ngot {got.errors}")


def _has_lost_object(expected: MonolithsResult) -> bool:
    """Whether an error nulled more than its own field."""
    paths = [tuple(error.path or ()) for error in expected.errors or ()]
    return any(_null_above(path, expected.data) != path for path in paths)


def _null_above(path: tuple[str | int, ...], data: object) -> tuple[str | int, ...]:
    """The null an error caused: where the path meets one."""
    value = data
    for length, segment in enumerate(path):
        match value, segment:
            case dict(), str():
                value = value[segment]
            case list(), int():
                value = value[segment]
            case _:
                return path[:length]
    return path
