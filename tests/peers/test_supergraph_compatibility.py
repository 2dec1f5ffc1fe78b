"""The planners of Apollo and Hive accept our supergraphs."""

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
from router.planner import plan
from router.supergraph import load
from tests.peers.composition_difference import shown_query
from tests.peers.fuzz import generated
from tests.peers.peers import PeerCrash, PeerTimeout
from tests.router.composition.test_cases import CASES, subgraphs_of

if TYPE_CHECKING:
    from graphql import GraphQLNamedType

    from tests.peers.peers import Peers

CORPUS = Path("../shared/corpus/composition.jsonl.gz")
SHARDS = 8

# Of the 833 supergraphs of Apollo's composition, Hive's planner rejects 10 and Apollo's planner 14.
MIN_PLANNED_SHARE = 0.9

# Our router does not support connectors.
CONNECTORS = "https://specs.apollo.dev/connect/"
Planner = Literal["apollo", "hive"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Our and Apollo's supergraph of one case."""

    ours: str
    theirs: str


@cache
def _composed_pairs() -> dict[str, Pair]:
    """The pairs of all cases of the corpus that compose."""
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} does not exist")
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
    """A query with the first root field and its leaf fields; required arguments are variables."""
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
def test_other_planners_plan_with_our_supergraphs(peers: Peers, planner: Planner, shard: int) -> None:
    """If a planner rejects Apollo's supergraph of a case, it may reject ours too."""
    rejected = {}
    planned = 0
    for identifier, pair in [*_composed_pairs().items()][shard::SHARDS]:
        operation = operation_on(load(pair.ours).api_schema)
        try:
            plan = peers.plan(pair.ours, operation, planner)
        except PeerCrash as error:
            if _plans(peers, pair.theirs, operation, planner):
                rejected[identifier] = f"{operation}: {error}"
            continue
        planned += '"Fetch"' in json.dumps(plan)
    assert rejected == {}
    assert planned > MIN_PLANNED_SHARE * len(_composed_pairs()) / SHARDS


GENERATED_BLOCKS = 4
SETS_IN_BLOCK = 25


@pytest.mark.parametrize("block", range(GENERATED_BLOCKS))
def test_other_planners_plan_with_our_supergraphs_of_generated_sets(peers: Peers, block: int) -> None:
    first = 6_000_000 + block * SETS_IN_BLOCK
    rejected = []
    for seed in range(first, first + SETS_IN_BLOCK):
        subgraphs = generated(seed)
        ours = compose(subgraphs).supergraph_sdl
        if ours is None or CONNECTORS in ours:
            continue
        operation = operation_on(load(ours).api_schema)
        try:
            theirs = peers.compose(subgraphs).supergraph
        except (PeerCrash, PeerTimeout):
            continue
        planners: tuple[Planner, ...] = ("apollo", "hive")
        rejected += [
            (seed, planner)
            for planner in planners
            if not _plans(peers, ours, operation, planner) and theirs and _plans(peers, theirs, operation, planner)
        ]
    assert rejected == []


@pytest.mark.parametrize(
    ("case", "planner"),
    [
        ("key_with_field_of_its_own_subgraph", "apollo"),
        ("key_with_field_of_its_own_subgraph", "hive"),
        ("two_interface_objects_of_one_entity", "apollo"),
    ],
)
def test_a_query_that_a_hint_calls_unplannable_elsewhere_is_so(peers: Peers, case: str, planner: Planner) -> None:
    composition = compose(subgraphs_of(CASES / case))
    assert composition.supergraph_sdl is not None
    (message,) = [one.message for one in composition.hints if one.code == "UNPLANNABLE_BY_OTHER_ROUTERS"]
    query = shown_query(message)
    assert plan(load(composition.supergraph_sdl), query).to_json()["node"]
    assert not _plans(peers, composition.supergraph_sdl, query, planner)


def _plans(peers: Peers, supergraph: str, operation: str, planner: Planner) -> bool:
    try:
        peers.plan(supergraph, operation, planner)
    except PeerCrash:
        return False
    return True
