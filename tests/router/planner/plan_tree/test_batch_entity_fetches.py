"""Which fetches share a request, and the operation of this request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import ArgumentNode, NameNode, NullValueNode, OperationDefinitionNode, parse
from msgspec.structs import replace

from router.plan import BatchFetch, Fetch
from router.planner import PlanOptions, plan
from router.planner.fetch.fetch_groups import FetchGroup, RepresentationInput
from router.planner.fetch.selection_trees import Tree
from router.planner.plan_tree.batch_entity_fetches import Batch, batched, one_by_one
from router.planner.walk.nodes_and_options import ContextArgumentValue
from tests.router.planner.federation import composed
from tests.router.planner.plan_checker import problems

if TYPE_CHECKING:
    from router.planner.plan_tree.batch_entity_fetches import PlannedRequest

KEY = (RepresentationInput("T", (), (frozenset(),), (), ()),)


def group(number: int, subgraph: str, *after: int) -> FetchGroup:
    return FetchGroup(number, subgraph, (), (), Tree(), frozenset(after), KEY if after else ())


def shape(requests: tuple[PlannedRequest, ...]) -> list[object]:
    return [
        tuple(entry.number for entry in request.groups) if isinstance(request, Batch) else request.number
        for request in requests
    ]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param([group(0, "a"), group(1, "a")], [0, 1], id="whole operations stay alone"),
        pytest.param([group(0, "a"), group(1, "b", 0), group(2, "b", 0)], [0, (1, 2)], id="one parent"),
        pytest.param([group(0, "a"), group(1, "b", 0), group(2, "c", 0)], [0, 1, 2], id="two subgraphs"),
        pytest.param([group(0, "a"), group(1, "b", 0), group(2, "b", 1)], [0, 1, 2], id="one after the other"),
        pytest.param(
            [group(0, "a"), group(1, "c"), group(2, "b", 0), group(3, "b", 1)],
            [0, 1, (2, 3)],
            id="two parents of one stage",
        ),
        pytest.param(
            [group(0, "a"), group(1, "b", 0), group(2, "c", 0), group(3, "b", 2)],
            [0, 1, 2, 3],
            id="none waits for a later stage",
        ),
        pytest.param(
            [group(0, "a"), group(1, "b", 0), group(2, "c", 1), group(3, "b", 0), group(4, "c", 3)],
            [0, (1, 3), (2, 4)],
            id="each request comes after those it waits for",
        ),
    ],
)
def test_fetches_of_one_subgraph_and_stage_share_a_request(groups: list[FetchGroup], expected: list[object]) -> None:
    assert shape(batched(tuple(groups))) == expected
    assert one_by_one(tuple(groups)) == tuple(groups)


def test_what_reads_from_ancestors_stays_alone() -> None:
    value = ContextArgumentValue(ArgumentNode(name=NameNode(value="n"), value=NullValueNode()), "v", "Int", ())
    groups = (group(0, "a"), group(1, "b", 0), replace(group(2, "b", 0), contexts=(value,)))
    assert shape(batched(groups)) == [0, 1, 2]


SHOP = {
    "a": """
      type Query { first(n: Int): User second: User }
      type Mutation { one: User two: User }
      type User @key(fields: "id") { id: ID! }
    """,
    "b": """
      type User @key(fields: "id") { id: ID! name(n: Int, s: String = "x"): String age: Int }
    """,
}


def batches(query: str) -> list[BatchFetch]:
    supergraph = composed(**SHOP)
    planned = plan(supergraph, query)
    assert problems(supergraph, query, planned) == []
    return [request for request in planned.requests() if isinstance(request, BatchFetch)]


def test_the_request_has_the_variables_of_its_parts_once() -> None:
    (batch,) = batches("query Q($n: Int = 2, $s: String) { first { name(n: $n, s: $s) } second { name(n: $n) } }")
    assert batch.operation(batch.parts) == (
        "query Q__b__1($representations_0:[_Any!]!,$representations_1:[_Any!]!,$n:Int=2,$s:String)"
        "{_e0:_entities(representations:$representations_0){...on User{name(n:$n s:$s)}}"
        "_e1:_entities(representations:$representations_1){...on User{name(n:$n)}}}"
    )
    assert batch.operation(batch.parts[1:]) == (
        "query Q__b__1($representations_1:[_Any!]!,$n:Int=2)"
        "{_e1:_entities(representations:$representations_1){...on User{name(n:$n)}}}"
    )


def test_representations_do_not_take_the_name_of_a_variable() -> None:
    query = "query($representations_1: Int, $representations: Int) { %s second { age } }"
    (batch,) = batches(query % "first { name(n: $representations) a: name(n: $representations_1) }")
    assert [part.representations for part in batch.parts] == ["_representations_0", "_representations_1"]
    (definition,) = parse(batch.operation(batch.parts)).definitions
    assert isinstance(definition, OperationDefinitionNode)
    names = [variable.variable.name.value for variable in definition.variable_definitions or ()]
    assert names == ["_representations_0", "_representations_1", "representations", "representations_1"]


def test_neither_do_those_of_a_fetch_on_its_own() -> None:
    planned = plan(composed(**SHOP), "query($representations: Int) { first { name(n: $representations) } }")
    entities = list(planned.requests())[1]
    assert isinstance(entities, Fetch)
    assert entities.representations == "_representations"
    assert entities.operation.startswith("query($_representations:[_Any!]!$representations:Int)")


def test_parts_keep_conditions_that_do_not_hold_for_all() -> None:
    query = (
        "query($x: Boolean!, $y: Boolean!) { ... @include(if: $x) { first { age @skip(if: $y) id } second { age } } }"
    )
    planned = plan(composed(**SHOP), query)
    assert planned.to_text().splitlines()[1].strip() == "Include(if: $x) {"
    (batch,) = (request for request in planned.requests() if isinstance(request, BatchFetch))
    kinds = [type(part.node).__name__ for part in batch.parts]
    assert kinds == ["Condition", "Flatten"]


def test_fetches_of_two_mutation_fields_stay_apart() -> None:
    assert batches("mutation { one { age } two { age } }") == []


def test_fetches_behind_one_mutation_field_share_a_request() -> None:
    supergraph = composed(
        a="""
          type Query { q: Int }
          type Mutation { m: Pair }
          type Pair { l: User r: User }
          type User @key(fields: "id") { id: ID! }
        """,
        b='type User @key(fields: "id") { id: ID! age: Int }',
    )
    query = "mutation { m { l { age } r { age } } o: m { l { age } r { age } } }"
    planned = plan(supergraph, query)
    assert problems(supergraph, query, planned) == []
    assert [type(request).__name__ for request in planned.requests()] == ["Fetch", "BatchFetch", "Fetch", "BatchFetch"]


def test_without_batches_each_fetch_is_a_request() -> None:
    planned = plan(
        composed(**SHOP), "{ first { age } second { age } }", options=PlanOptions(batch_entity_fetches=False)
    )
    assert [type(request) for request in planned.requests()] == [Fetch, Fetch, Fetch]
