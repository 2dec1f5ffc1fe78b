"""Which of the client's directives arrive at subgraphs, and where. Was: every one of them vanished."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from router.plan import BatchFetch
from router.plan.nodes import iter_requests
from router.planner import PlanOptions, plan
from router.planner.normalise.directives_sent_to_subgraphs import DirectiveReader
from tests.router.planner.federation import composed

DIRECTIVES = """
  directive @all(n: Int) on QUERY | MUTATION | FIELD | INLINE_FRAGMENT | FRAGMENT_SPREAD | FRAGMENT_DEFINITION
    | VARIABLE_DEFINITION
  directive @named(n: Int, s: String) repeatable on FRAGMENT_SPREAD | FRAGMENT_DEFINITION
  directive @changes on MUTATION
"""
A = f"""
  {DIRECTIVES}
  type Query {{ user: User users: [User] }}
  type Mutation {{ make: User }}
  type User @key(fields: "id") {{ id: ID! name(n: Int): String }}
"""
B = f"""
  {DIRECTIVES}
  type User @key(fields: "id") {{ id: ID! age: Int }}
"""
ENTITIES = (
    "query($representations:[_Any!]!{variables}){directives}{{_entities(representations:$representations){body}}}"
)


def of_entity(body: str, variables: str = "", directives: str = "") -> str:
    return ENTITIES.format(body=body, variables=variables, directives=directives)


@pytest.mark.parametrize(
    ("operation", "fetches"),
    [
        ("query($n: Int) @all(n: $n) { user { name } }", ["query($n:Int)@all(n:$n){user{name}}"]),
        ("{ user @all(n: 1) { name @all } }", ["{user@all(n:1){name@all}}"]),
        ("{ user { name name @all(n: 1) } }", ["{user{name name@all(n:1)}}"]),
        ("{ user { ... @all { name } } }", ["{user{...@all{name}}}"]),
        (
            "{ user { ...F @all } } fragment F on User @all(n: 2) { name id }",
            ["{user{...@all{...@all(n:2){name id}}}}"],
        ),
        (
            '{ user { ...F @named(n: 1, s: "x y") @all } } fragment F on User @named { name }',
            ['{user{...f0_0@named(n:1 s:"x y")}}fragment f0_0 on User@named{...@all{name}}'],
        ),
        ("query($n: Int = 2 @all(n: 3)) { user { name(n: $n) } }", ["query($n:Int=2@all(n:3)){user{name(n:$n)}}"]),
        (
            "query($x: Boolean!) { user { name @all @skip(if: $x) id } }",
            ["query($x:Boolean!){user{name@skip(if:$x)@all id}}"],
        ),
        ("{ user @all { age @all(n: 4) } }", ["{user@all{id __typename}}", of_entity("{...on User{age@all(n:4)}}")]),
        (
            "query @all { user { ... @all(n: 1) { age } } }",
            ["query@all{user{id __typename}}", of_entity("{...on User{...@all(n:1){age}}}", directives="@all")],
        ),
        (
            "mutation @changes @all { make { age } }",
            ["mutation@changes@all{make{id __typename}}", of_entity("{...on User{age}}", directives="@all")],
        ),
    ],
)
def test_each_directive_arrives_where_it_belongs(operation: str, fetches: list[str]) -> None:
    graph = composed(a=A, b=B)
    assert validate(graph.api_schema, parse(operation)) == []
    planned = plan(graph, operation, options=PlanOptions(batch_entity_fetches=False))
    assert [fetch.operation for fetch in planned.fetches()] == fetches
    for fetch in planned.fetches():
        if "_entities" not in fetch.operation:
            assert validate(graph.api_schema, parse(fetch.operation)) == []


def test_fetches_that_share_a_request_keep_their_directives() -> None:
    operation = "query($n: Int) @all(n: $n) { user { age @all } users { ...F @named } } fragment F on User { age }"
    (batch,) = [one for one in iter_requests(plan(composed(a=A, b=B), operation).node) if isinstance(one, BatchFetch)]
    assert batch.variable_usages(batch.parts) == ("n",)
    assert batch.operation(batch.parts) == (
        "query($representations_0:[_Any!]!,$representations_1:[_Any!]!,$n:Int)@all(n:$n)"
        "{_e0:_entities(representations:$representations_0){...on User{age@all}}"
        "_e1:_entities(representations:$representations_1){...on User{...f2_0@named}}}"
        "fragment f2_0 on User{age}"
    )
    assert batch.operation(batch.parts[:1]).endswith("{...on User{age@all}}}")


def test_a_root_field_of_a_mutation_with_two_sets_of_directives_runs_once() -> None:
    fetches = list(plan(composed(a=A, b=B), "mutation { make @all { id } make @all(n: 1) { name } }").fetches())
    assert [fetch.operation for fetch in fetches] == ["mutation{make@all{id}make@all(n:1){name}}"]


def test_the_router_keeps_the_directives_that_it_interprets() -> None:
    schema = build_schema("type Query { a: Int } directive @skip(if: Boolean!) on FIELD directive @x on FIELD")
    field = parse("{ a @skip(if: true) @x @unknown }").definitions[0]
    directives = DirectiveReader(schema.directives).of_field(field.selection_set.selections[0].directives, ())  # type: ignore[attr-defined]
    assert directives.text == "@x"
