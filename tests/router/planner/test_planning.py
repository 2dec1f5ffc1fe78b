"""What planning refuses, its options, and that its work is bounded."""

from __future__ import annotations

import gc
import json
from contextlib import suppress

import pytest

from router.errors import PlanningError, UnknownOperation
from router.planner import PlanOptions, plan
from tests.router.planner.federation import composed
from tests.router.planner.plan_checker import problems
from tests.work import counted

MAX_CALLS = 5_000_000

LABELLED = {
    "a": 'type Query { feed: [Post!]! } type Post @key(fields: "id") { id: ID! likes: Int }',
    "b": 'type Post @key(fields: "id") { id: ID! likes: Int @override(from: "a", label: "percent(5)") }',
}


def services(query: str, **subgraphs: str) -> list[str]:
    return [fetch.service_name for fetch in plan(composed(**subgraphs), query).fetches()]


def test_a_label_that_holds_moves_the_field_to_its_new_subgraph() -> None:
    supergraph = composed(**LABELLED)
    before = plan(supergraph, "{ feed { likes } }")
    after = plan(supergraph, "{ feed { likes } }", options=PlanOptions(frozenset({"percent(5)"})))
    assert [fetch.service_name for fetch in before.fetches()] == ["a"]
    assert [fetch.service_name for fetch in after.fetches()] == ["a", "b"]


def test_a_chain_of_keys_is_followed_to_its_end() -> None:
    """Each subgraph is reached by a key that only the one before it has."""
    length = 30
    first = 'type Query { top: T } type T @key(fields: "k0") { k0: ID! @shareable v0: Int }'
    links = (
        f'type T @key(fields: "k{one}") @key(fields: "k{one - 1}") '
        f"{{ k{one}: ID! @shareable k{one - 1}: ID! @shareable v{one}: Int }}"
        for one in range(1, length)
    )
    supergraph = composed(**{f"s{one}": sdl for one, sdl in enumerate((first, *links))})
    query = f"{{ top {{ v{length - 1} }} }}"
    planned = plan(supergraph, query)
    assert [fetch.service_name for fetch in planned.fetches()] == [f"s{one}" for one in range(length)]
    assert problems(supergraph, query, planned) == []


def test_an_interface_field_no_subgraph_gives_for_all_types_is_refused() -> None:
    supergraph = composed(
        a="""
        type Query { node: Node @shareable }
        interface Node { id: ID! }
        type Account implements Node @key(fields: "id") { id: ID! name: String }
        type Chat implements Node @key(fields: "id") { id: ID! @external }
        """,
        b="""
        type Query { node: Node @shareable }
        interface Node { id: ID! }
        type Account implements Node @key(fields: "id") { id: ID! @external }
        type Chat implements Node @key(fields: "id") { id: ID! text: String }
        """,
    )
    with pytest.raises(PlanningError, match=r"Node\.id at node\.id"):
        plan(supergraph, "{ node { id } }")
    typed = plan(supergraph, "{ node { ... on Account { id name } } }")
    assert [fetch.service_name for fetch in typed.fetches()] == ["a"]


def test_introspection_alone_fetches_nothing() -> None:
    planned = plan(composed(a="type Query { a: Int }"), "{ __schema { types { name } } __typename }")
    assert planned.node is None
    assert planned.to_json() == {"kind": "QueryPlan"}


@pytest.mark.parametrize(
    ("document", "name"),
    [("query A { a } query B { a }", None), ("query A { a }", "B")],
)
def test_an_operation_that_is_not_there_is_refused(document: str, name: str | None) -> None:
    with pytest.raises(UnknownOperation):
        plan(composed(a="type Query { a: Int }"), document, name)


def test_operations_of_subgraphs_are_named_after_the_clients() -> None:
    planned = plan(composed(**LABELLED), "query Feed { feed { id } }")
    assert [fetch.operation for fetch in planned.fetches()] == ["query Feed__a__0{feed{id}}"]


def test_a_fetch_declares_only_the_variables_it_uses() -> None:
    supergraph = composed(
        a='type Query { user(id: ID): User } type User @key(fields: "id") { id: ID! }',
        b='type User @key(fields: "id") { id: ID! posts(first: Int): [Int] }',
    )
    planned = plan(supergraph, "query ($id: ID, $n: Int = 3) { user(id: $id) { posts(first: $n) } }")
    assert [fetch.variable_usages for fetch in planned.fetches()] == [("id",), ("n",)]
    assert "$n:Int=3" in list(planned.fetches())[1].operation


def test_constant_conditions_are_decided_while_planning() -> None:
    query = "{ a @skip(if: true) b @include(if: true) c @include(if: false) }"
    (fetch,) = plan(composed(a="type Query { a: Int b: Int c: Int }"), query).fetches()
    assert fetch.operation == "{b}"


def test_several_conditions_on_one_field_all_stay() -> None:
    query = "query ($x: Boolean!, $y: Boolean!) { a { b ... @include(if: $x) { c @include(if: $y) } } }"
    supergraph = composed(a="type Query { a: A } type A { b: Int c: Int }")
    planned = plan(supergraph, query)
    assert problems(supergraph, query, planned) == []
    (fetch,) = planned.fetches()
    assert fetch.operation.count("@include") == 2


def many_subgraphs(count: int, fields: int) -> dict[str, str]:
    shared = " ".join(f"f{number}: Int" for number in range(fields))
    entity = f'type T @key(fields: "id") @shareable {{ id: ID! {shared} next: T }}'
    return {f"s{number}": f"type Query @shareable {{ t: T }} {entity}" for number in range(count)}


def test_work_stays_bounded_however_many_subgraphs_share_everything() -> None:
    supergraph = composed(**many_subgraphs(8, 20))
    body = " ".join(f"f{number}" for number in range(20))
    query = "{ t { " + f"{body} next {{ " * 6 + body + " }" * 6 + " } }"
    with counted(MAX_CALLS):  # an exhaustive choice would be one of 8 to the power of 140
        planned = plan(supergraph, query)
    assert len(list(planned.fetches())) == 1


def test_fields_scattered_over_subgraphs_are_covered_by_few() -> None:
    owners = {f"s{number}": {field for field in range(40) if field % 5 != number % 5} for number in range(6)}
    subgraphs = {
        name: "type Query @shareable { t: T } type T @shareable { "
        + " ".join(f"f{field}: Int" for field in sorted(fields))
        + " }"
        for name, fields in owners.items()
    }
    query = "{ t { " + " ".join(f"f{field}" for field in range(40)) + " } }"
    assert len(services(query, **subgraphs)) == 2


def test_a_thousand_aliases_are_planned_in_order() -> None:
    supergraph = composed(**LABELLED)
    query = "{ " + " ".join(f"a{number}: feed {{ id }}" for number in range(1000)) + " }"
    (fetch,) = plan(supergraph, query).fetches()
    assert fetch.operation.count("feed") == 1000


def test_the_same_plan_comes_out_of_the_same_input() -> None:
    query = "{ feed { likes id } }"
    texts = {json.dumps(plan(composed(**LABELLED), query).to_json()) for _ in range(3)}
    assert len(texts) == 1


def nested_fragments(levels: int, *, alike: bool) -> str:
    """Fragments on three types, each spreading the next fragment below a field: three to the power of the levels."""

    def branch(level: int, number: int) -> str:
        below = f"...F{level + 1}" if level + 1 < levels else "id"
        key = "next" if alike else f"x{number}: next"
        return f"... on T{number} {{ {key} {{ {below} }} }}"

    fragments = " ".join(
        f"fragment F{level} on N {{ {' '.join(branch(level, number) for number in range(3))} }}"
        for level in range(levels)
    )
    return f"{{ n {{ ...F0 }} }} {fragments}"


ABSTRACT = {
    "a": "type Query { n: N } interface N { id: ID! next: N } "
    + " ".join(f'type T{number} implements N @key(fields: "id") {{ id: ID! next: N }}' for number in range(3))
}


def test_selections_that_all_types_share_are_planned_once() -> None:
    supergraph = composed(**ABSTRACT)
    query = nested_fragments(12, alike=True)
    (fetch,) = plan(supergraph, query).fetches()
    assert fetch.operation.count("next") == 12


def test_an_operation_that_asks_for_too_much_is_refused_at_once() -> None:
    supergraph = composed(**ABSTRACT)
    with counted(MAX_CALLS), pytest.raises(PlanningError) as refused:
        plan(supergraph, nested_fragments(14, alike=False))
    assert refused.value.errors[0].code == "QUERY_PLAN_COMPLEXITY_EXCEEDED"


@pytest.mark.parametrize("query", ["{ a }", "query ($x: Boolean!) { ...A } fragment A on Query { ...B ...B }"])
def test_the_garbage_collector_is_left_as_it_was(query: str) -> None:
    supergraph = composed(a="type Query { a: Int }")
    for set_up, expected in ((gc.disable, False), (gc.enable, True)):
        set_up()
        try:
            with suppress(KeyError):
                plan(supergraph, query)
            assert gc.isenabled() is expected
        finally:
            gc.enable()
