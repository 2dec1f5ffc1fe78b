"""Supergraphs of ours in the hands of others: planners load them and plan on them, a gateway serves them."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

from router.composition import Subgraph, compose
from router.supergraph import load

if TYPE_CHECKING:
    from tests.peers.peers import Peers

CORPUS = Path("../shared/corpus/composition.jsonl.gz")
SHARDS = 8

UNREADABLE: dict[tuple[str, str], str] = {}
"""Case and planner → why that planner does not take the supergraph, Apollo's own included."""


@cache
def _supergraphs() -> dict[str, str]:
    """Ours, of the corpus's composable cases; many cases are one and the same for several federation versions."""
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here")
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    found = {}
    for case in cases:
        if case["expect"]["ok"]:
            sdl = compose(Subgraph(s["name"], s["url"] or "", s["sdl"]) for s in case["subgraphs"]).supergraph_sdl
            assert sdl is not None
            found[case["id"]] = sdl
    return found


def operation_on(schema: GraphQLSchema) -> str | None:
    """A query of one field that needs no argument, two levels deep; None if there is none."""
    query = schema.query_type
    for name, field in query.fields.items() if query else ():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        type_ = get_named_type(field.type)
        if is_leaf_type(type_):
            return f"{{ {name} }}"
        if is_abstract_type(type_):
            return f"{{ {name} {{ __typename }} }}"
        assert isinstance(type_, GraphQLObjectType)
        leaves = [
            below
            for below, one in type_.fields.items()
            if is_leaf_type(get_named_type(one.type)) and not any(map(is_required_argument, one.args.values()))
        ]
        return f"{{ {name} {{ __typename {' '.join(leaves)} }} }}"
    return None


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("planner", ["apollo", "hive"])
def test_their_planners_plan_on_our_supergraphs(peers: Peers, planner: Literal["apollo", "hive"], shard: int) -> None:
    refused = {}
    planned = 0
    for identifier, sdl in [*_supergraphs().items()][shard::SHARDS]:
        operation = operation_on(load(sdl).api_schema)
        if operation is None or (identifier, planner) in UNREADABLE:
            continue
        try:
            plan = peers.plan(sdl, operation, planner)
        except Exception as error:  # noqa: BLE001 - what exactly a planner of others throws is not ours to know
            refused[identifier] = f"{operation}: {error}"
            continue
        planned += '"Fetch"' in json.dumps(plan)
    assert refused == {}
    assert planned > 0
