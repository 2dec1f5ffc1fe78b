"""Runs one operation with the router and with the monolith, and compares the responses.

- Data are equal, including the order of fields.
- Either both responses have errors or none. For each null that an error of the monolith caused, the router has an
  error at this null or below. The number of errors is not compared: ten references to one failing object are one error
  or ten.
- Mutations reach the resolvers once, in the same order and with the same arguments.

If a required field failed, the response may have further nulls, each with an error at it, below it or above it: the
fields of one fetch are lost together.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import build_schema, lexicographic_sort_schema, parse, print_schema

from router.composition import Subgraph, compose
from router.executor.context_and_result import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.planner import PlanOptions, plan
from router.supergraph import load
from tests.router.oracle.data_store import RequirementFailed, Store, comparable
from tests.router.oracle.monolith import Monolith
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import ExecutionResult as MonolithResult
    from graphql import GraphQLSchema

    from router.executor.context_and_result import ExecutionResult
    from router.plan import QueryPlan
    from router.supergraph import Supergraph
    from tests.router.oracle.data_store import Data
    from tests.router.oracle.federation_generator import GeneratedFederation
    from tests.router.oracle.operation_generator import Operation

# The directive that the router adds to every API schema.
DEFER = "\ndirective @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT"


class ResponseDifference(AssertionError):
    """The router's response differs from that of the monolith."""


@dataclass(frozen=True, slots=True)
class ComposedFederation:
    """A federation, composed and loaded, with the merged schema of its monolith."""

    merged: GraphQLSchema
    rules: FederationRules
    supergraph: Supergraph
    data: Data
    labels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, generated: GeneratedFederation) -> ComposedFederation:
        merged = build_schema(generated.merged + DEFER)
        supergraph = composed(generated.subgraphs)
        expected, got = _printed(merged), _printed(supergraph.api_schema)
        if expected != got:
            raise ResponseDifference(f"API schema\n--- expected\n{expected}\n--- got\n{got}")
        labels = generated.labels
        return cls(merged, FederationRules.of(generated.subgraphs, labels), supergraph, generated.data, labels)

    def store(self) -> Store:
        return Store(self.data, self.rules.semantics)

    def expected(self, operation: Operation, store: Store | None = None) -> MonolithResult:
        """The response of the monolith. Deferred parts come with the rest."""
        monolith = Monolith(self.merged, self.rules)
        without_defer = re.sub(r"@defer\b(\([^)]*\))?", "", operation.query)
        return monolith.execute(store or self.store(), without_defer, operation.variables)

    async def check(self, operation: Operation, planned: QueryPlan | None = None) -> None:
        """Compare the responses; `planned` replaces the router's plan.

        Raises:
            ResponseDifference: router and monolith disagree, or a field got wrong values for its `@requires`.
        """
        monolith_store, router_store = self.store(), self.store()
        expected = self.expected(operation, monolith_store)
        transport = InProcessSubgraphs.over(self.rules, router_store)
        got = await run_operation(self.supergraph, transport, operation, planned, self.labels)
        compare_responses(expected, got)
        for subgraph in transport.subgraphs.values():
            if subgraph.with_wrong_values:
                raise ResponseDifference(f"{subgraph.name} got wrong values for {sorted(subgraph.with_wrong_values)}")
        if monolith_store.mutations != router_store.mutations:
            raise ResponseDifference(
                f"mutations\nexpected {monolith_store.mutations}\ngot      {router_store.mutations}"
            )

    async def check_unreachable(self, operation: Operation, subgraph: str) -> None:
        """Compare the responses while one subgraph is unreachable: only its values may be missing.

        Raises:
            ResponseDifference: a value differs from the monolith's, or a further null has no error at it, below it or
                above it.
        """
        expected = self.expected(operation)
        transport = InProcessSubgraphs.over(self.rules, self.store())
        transport.unreachable = frozenset({subgraph})
        got = await run_operation(self.supergraph, transport, operation, override_labels=self.labels)
        _compare_partial(expected.data, got, f"without {subgraph}")


def compare_responses(expected: MonolithResult, got: ExecutionResult) -> None:
    """Compare a response of the router with that of the monolith.

    Raises:
        ResponseDifference: they disagree.
    """
    if any(isinstance(error.original_error, RequirementFailed) for error in expected.errors or ()):
        # A field that cannot be resolved takes along the other fields of its fetch.
        _compare_partial(expected.data, got, "a required field failed")
    elif _has_propagated_null(expected) and comparable(expected.data) != comparable(got.data):
        # A null that propagates to an object takes along required fields of that object.
        _compare_partial(expected.data, got, "a null propagated to an object")
    else:
        compare_exactly(expected, got)


def compare_exactly(expected: MonolithResult, got: ExecutionResult) -> None:
    """Compare two responses that must have equal data, and an error for each null that an error caused.

    Raises:
        ResponseDifference: they disagree.
    """
    _compare_data(expected.data, got.data)
    _compare_errors(expected, got)


def _compare_partial(expected: object, got: ExecutionResult, why: str) -> None:
    """Check that all values are right except for nulls with an error at them, below or above."""
    paths = [error.path or () for error in got.errors]
    for null in _unexpected_nulls(comparable(expected), comparable(got.data), ()):
        if not any(path[: len(null)] == null[: len(path)] for path in paths):
            raise ResponseDifference(f"{why}: no error explains the null at {null}\ngot {got.errors}")


def _unexpected_nulls(expected: object, got: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """The paths of nulls in `got` where `expected` has a value. All other values must be equal."""
    match expected, got:
        case dict(), dict() if list(expected) == list(got):
            for key in expected:
                yield from _unexpected_nulls(expected[key], got[key], (*path, key))
        case list(), list() if len(expected) == len(got):
            for index, item in enumerate(expected):
                yield from _unexpected_nulls(item, got[index], (*path, index))
        case _, None:
            if expected is not None:
                yield path
        case _:
            if expected != got:
                raise ResponseDifference(f"at {path}\nexpected {expected}\ngot      {got}")


def composed(subgraphs: Mapping[str, str]) -> Supergraph:
    composition = compose([Subgraph(name, f"http://{name}.example/graphql", sdl) for name, sdl in subgraphs.items()])
    if composition.supergraph_sdl is None:
        raise ResponseDifference(f"composition failed: {composition.errors}")
    return load(composition.supergraph_sdl)


async def run_operation(
    supergraph: Supergraph,
    transport: InProcessSubgraphs,
    operation: Operation,
    planned: QueryPlan | None = None,
    override_labels: frozenset[str] = frozenset(),
) -> ExecutionResult:
    """Plan and execute the operation as the router does."""
    document = parse(operation.query)
    prepared = get_operation(supergraph.api_schema, document)
    context = ExecutionContext(supergraph.schema, transport, coerce(prepared, operation.variables))
    planned = planned or plan(supergraph, document, options=PlanOptions(override_labels))
    return await execute(planned, prepared, context)


def _printed(schema: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(schema))


def _compare_data(expected: object, got: object) -> None:
    exact, actual = json.dumps(comparable(expected)), json.dumps(comparable(got))
    if exact != actual:
        raise ResponseDifference(f"data\nexpected {exact}\ngot      {actual}")


def _compare_errors(expected: MonolithResult, got: ExecutionResult) -> None:
    errors = expected.errors or []
    paths = [tuple(error.path or ()) for error in errors]
    if bool(errors) != bool(got.errors):
        raise ResponseDifference(f"errors\nexpected at {paths}\ngot {got.errors}")
    router_paths = [tuple(error.path or ()) for error in got.errors]
    for path in paths:
        null = _null_at_or_above(path, expected.data)
        if not any(router_path[: len(null)] == null for router_path in router_paths):
            raise ResponseDifference(f"no error explains the null at {null}\ngot {got.errors}")


def _has_propagated_null(expected: MonolithResult) -> bool:
    """Whether the null of an error propagated above its own field."""
    paths = [tuple(error.path or ()) for error in expected.errors or ()]
    return any(_null_at_or_above(path, expected.data) != path for path in paths)


def _null_at_or_above(path: tuple[str | int, ...], data: object) -> tuple[str | int, ...]:
    """The path of the null that an error caused: its own path or a prefix of it."""
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
