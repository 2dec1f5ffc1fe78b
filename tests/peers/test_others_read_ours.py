"""Supergraphs of ours in the hands of others: planners load them and plan on them, a gateway serves them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from router.composition import Subgraph, compose
from router.supergraph import load
from tests.peers.peers import PeerCrash

if TYPE_CHECKING:
    from graphql import GraphQLNamedType

    from tests.peers.peers import Peers

CORPUS = Path("../shared/corpus/composition.jsonl.gz")
SHARDS = 8

# Of the 833 supergraphs, Apollo's own, Hive's planner does not take 10 and Apollo's planner 14.
MOST = 0.9

Planner = Literal["apollo", "hive"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two supergraphs of one case: ours and Apollo's."""

    ours: str
    theirs: str


@cache
def _pairs() -> dict[str, Pair]:
    """Those of the corpus's composable cases."""
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here")
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    found = {}
    for case in cases:
        if case["expect"]["ok"]:
            sdl = compose(Subgraph(s["name"], s["url"] or "", s["sdl"]) for s in case["subgraphs"]).supergraph_sdl
            assert sdl is not None
            found[case["id"]] = Pair(sdl, case["expect"]["supergraph"])
    return found


def operation_on(schema: GraphQLSchema) -> str:
    """A query of the first field of the query root and the leaves below it; required arguments are variables."""
    query = schema.query_type
    assert query is not None
    name, field = next(iter(query.fields.items()))
    required = {argument: one.type for argument, one in field.args.items() if is_required_argument(one)}
    declared = f"query ({', '.join(f'${each}: {type_}' for each, type_ in required.items())}) " if required else ""
    given = f"({', '.join(f'{each}: ${each}' for each in required)})" if required else ""
    type_ = get_named_type(field.type)
    below = "" if is_leaf_type(type_) else f" {{ __typename {' '.join(_leaves(type_))} }}"
    return f"{declared}{{ {name}{given}{below} }}"


def _leaves(type_: GraphQLNamedType) -> list[str]:
    if not isinstance(type_, GraphQLObjectType):
        return []
    return [
        name
        for name, one in type_.fields.items()
        if is_leaf_type(get_named_type(one.type)) and not any(map(is_required_argument, one.args.values()))
    ]


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("planner", ["apollo", "hive"])
def test_their_planners_plan_on_our_supergraphs(peers: Peers, planner: Planner, shard: int) -> None:
    """A planner that does not take Apollo's own supergraph of a case need not take ours."""
    refused = {}
    planned = 0
    for identifier, pair in [*_pairs().items()][shard::SHARDS]:
        operation = operation_on(load(pair.ours).api_schema)
        try:
            plan = peers.plan(pair.ours, operation, planner)
        except PeerCrash as error:
            if _plans(peers, pair.theirs, operation, planner):
                refused[identifier] = f"{operation}: {error}"
            continue
        planned += '"Fetch"' in json.dumps(plan)
    assert refused == {}
    assert planned > MOST * len(_pairs()) / SHARDS


def _plans(peers: Peers, supergraph: str, operation: str, planner: Planner) -> bool:
    try:
        peers.plan(supergraph, operation, planner)
    except PeerCrash:
        return False
    return True
