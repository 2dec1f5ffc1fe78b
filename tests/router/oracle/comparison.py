"""Running one operation on both sides of the oracle, and what must be equal.

Data are equal, the order of fields included. Errors are compared by presence: none on one side means none on the other,
and below or at each null an error caused for the monolith the router has an error too. Never by number: a list of ten
references to one broken object is one failure or ten. Mutations reach the resolvers in the same order, with the same
arguments, exactly once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import build_schema, lexicographic_sort_schema, parse, print_schema

from router.composition import Subgraph as Composable
from router.composition import compose
from router.executor.context import ExecutionContext, prepare
from router.executor.interpreter import execute
from router.executor.variables import coerce
from router.planner import plan
from router.supergraph import load
from router.transport.json_codec import decode, encode
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import InProcess, Monolith
from tests.router.oracle.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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

    @classmethod
    def of(cls, generated: Generated) -> Subject:
        merged = build_schema(generated.merged)
        supergraph = composed(generated.subgraphs)
        expected, got = _printed(build_schema(generated.merged + DEFER)), _printed(supergraph.api_schema)
        if expected != got:
            raise Difference(f"API schema\n--- expected\n{expected}\n--- got\n{got}")
        return cls(merged, Federation.of(generated.subgraphs), supergraph, generated.data)

    def store(self) -> Store:
        return Store(self.data, self.federation.meaning)

    async def check(self, operation: Operation, planned: QueryPlan | None = None) -> None:
        """Raises `Difference` when router and monolith disagree; `planned` is run instead of the router's plan."""
        alone, together = self.store(), self.store()
        expected = Monolith(self.merged, self.federation).execute(alone, operation.query, operation.variables)
        got = await answer(self.supergraph, InProcess.over(self.federation, together), operation, planned)
        _compare_data(expected.data, got.data)
        paths = [tuple(error.path or ()) for error in expected.errors or ()]
        _compare_errors(paths, got, expected.data)
        if alone.mutations != together.mutations:
            raise Difference(f"mutations\nexpected {alone.mutations}\ngot      {together.mutations}")

    async def check_without(self, operation: Operation, subgraph: str) -> None:
        """With one subgraph out of reach, what is answered is right, and what is missing has an error.

        Raises `Difference` when a value is not the monolith's, or a null that is none there has no error at it, below
        it or above it.
        """
        expected = Monolith(self.merged, self.federation).execute(self.store(), operation.query, operation.variables)
        transport = InProcess.over(self.federation, self.store())
        transport.unreachable = frozenset({subgraph})
        got = await answer(self.supergraph, transport, operation)
        paths = [error.path or () for error in got.errors]
        for missing in _missing(json.loads(json.dumps(expected.data)), json.loads(encode(got.data)), ()):
            if not any(path[: len(missing)] == missing[: len(path)] for path in paths):
                raise Difference(f"without {subgraph}: no error explains the null at {missing}\ngot {got.errors}")


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
    supergraph: Supergraph, transport: InProcess, operation: Operation, planned: QueryPlan | None = None
) -> ExecutionResult:
    """What the router answers."""
    document = parse(operation.query)
    prepared = prepare(supergraph.api_schema, document)
    context = ExecutionContext(supergraph.schema, transport, coerce(prepared, operation.variables))
    return await execute(planned or plan(supergraph, document), prepared, context)


def _printed(schema: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(schema))


def _compare_data(expected: object, got: object) -> None:
    exact = json.loads(encode(decode(json.dumps(expected).encode())))
    actual = json.loads(encode(got))
    if json.dumps(exact) != json.dumps(actual):
        raise Difference(f"data\nexpected {json.dumps(exact)}\ngot      {json.dumps(actual)}")


def _compare_errors(expected: Sequence[tuple[str | int, ...]], got: ExecutionResult, data: object) -> None:
    if bool(expected) != bool(got.errors):
        raise Difference(f"errors\nexpected at {expected}\ngot {got.errors}")
    for path in expected:
        null = _null_above(path, data)
        if not any((error.path or ())[: len(null)] == null for error in got.errors):
            raise Difference(f"no error explains the null at {null}\ngot {got.errors}")


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
