"""What composes can be planned: every field of the API schema, on a shortest path from every root.

Composition checks satisfiability on the merged schema, the planner searches the supergraph that composition printed.
This test holds that they agree, and that our loader reads what our composition writes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from router.composition import compose
from router.get_operation import get_operation
from router.planner import Planner, PlanOptions
from router.supergraph import load
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import GraphQLInputType, GraphQLObjectType, GraphQLSchema

    from router.composition import Subgraph

BLOCKS = 8
SETS_IN_BLOCK = 25
ONE_BY_ONE = PlanOptions(batch_entity_fetches=False)
_DUMMIES = {"Int": "0", "Float": "0.5", "Boolean": "true", "String": '"x"', "ID": '"1"'}


def operations(schema: GraphQLSchema) -> Iterator[str]:
    """An operation for each field of each object type, on a shortest path from each root."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    for kind, root in roots.items():
        if root is not None:
            for path in _paths(schema, root):
                yield f"{kind} {path}"


def _paths(schema: GraphQLSchema, root: GraphQLObjectType) -> Iterator[str]:
    seen = {root.name}
    pending: deque[tuple[GraphQLObjectType, str, str]] = deque([(root, "{ ", " }")])
    while pending:
        type_, before, after = pending.popleft()
        for name, field in type_.fields.items():
            arguments = [f"{key}: {_value(one.type)}" for key, one in field.args.items() if is_required_argument(one)]
            head = f"{before}{name}{'(' + ', '.join(arguments) + ')' if arguments else ''}"
            named = get_named_type(field.type)
            if not is_composite_type(named):
                yield f"{head}{after}"
                continue
            yield f"{head} {{ __typename }}{after}"
            if is_interface_type(named):
                for inner in named.fields:
                    if not is_composite_type(get_named_type(named.fields[inner].type)) and not named.fields[inner].args:
                        yield f"{head} {{ {inner} }}{after}"
            for possible in schema.get_possible_types(named) if is_abstract_type(named) else [named]:
                if is_object_type(possible) and possible.name not in seen:
                    seen.add(possible.name)
                    condition = f"... on {possible.name} {{ " if is_abstract_type(named) else ""
                    pending.append((possible, f"{head} {{ {condition}", f"{' }' if condition else ''} }}{after}"))


def _value(type_: GraphQLInputType) -> str:
    if isinstance(type_, GraphQLNonNull):
        return _value(type_.of_type)
    if isinstance(type_, GraphQLList):
        return "[]"
    if isinstance(type_, GraphQLEnumType):
        return str(next(iter(type_.values)))
    if isinstance(type_, GraphQLInputObjectType):
        required = (f"{key}: {_value(one.type)}" for key, one in type_.fields.items() if is_required_input_field(one))
        return f"{{{', '.join(required)}}}"
    return _DUMMIES.get(type_.name, '"x"')


def unplannable(subgraphs: Sequence[Subgraph]) -> list[str]:
    """The operations on the composed schema that cannot be planned; none if the subgraphs do not compose."""
    sdl = compose(subgraphs).supergraph_sdl
    # The router does not support connectors, and refuses to load such a supergraph.
    if sdl is None or "https://specs.apollo.dev/connect/" in sdl:
        return []
    supergraph = load(sdl)
    planner = Planner(supergraph)
    failed = []
    for text in operations(supergraph.api_schema):
        document = parse(text, no_location=True)
        assert validate(supergraph.api_schema, document) == [], text
        try:
            planner.plan(get_operation(supergraph.api_schema, document, None), ONE_BY_ONE)
        except Exception as error:  # noqa: BLE001 - every failure counts
            failed.append(f"{text}: {error}")
    return failed


@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_field_can_be_planned_from_every_root(block: int) -> None:
    """`E implements A & B`, both interface objects in one subgraph, composed and could not be planned."""
    first = 5_000_000 + block * SETS_IN_BLOCK
    found = {seed: failed for seed in range(first, first + SETS_IN_BLOCK) if (failed := unplannable(_set(seed)))}
    assert found == {}


def _set(seed: int) -> list[Subgraph]:
    return subgraph_set(SeededChoices(seed))
