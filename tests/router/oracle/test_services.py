"""The oracle's subgraphs are strict, so that its verdicts mean something."""

from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.graphql_over_http import decode_response
from router.transport.messages import SubgraphRequest
from tests.router.oracle.choices import Seeded, shrink
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import InProcess, Monolith, TooLarge
from tests.router.oracle.store import Store

SUBGRAPHS = {
    "a": """
      type Query { user: User @provides(fields: "age") plain: User }
      type User @key(fields: "id") { id: ID! name(n: Int): String age: Int @external old: Int }
    """,
    "b": """
      type User @key(fields: "id") {
        id: ID! age: Int @shareable size: Int @external
        tag: String @requires(fields: "size") old: Int @override(from: "a")
      }
    """,
}
DATA: dict[str, dict[str, object]] = {
    "Query": {"user": "@User:1", "plain": "@User:1"},
    "User:1": {"id": "1", "name": "Ann", "age": 3, "size": 5, "tag": "t", "old": 9},
}


async def ask(subgraph: str, operation: str, *representations: dict[str, object]) -> tuple[object, list[object]]:
    federation = Federation.of(SUBGRAPHS)
    transport = InProcess.over(federation, Store(DATA, federation.meaning))
    variables: dict[str, object] = {"representations": list(representations)} if representations else {}
    response = await transport.send(SubgraphRequest(subgraph=subgraph, operation=operation, variables=variables))
    body = decode_response(subgraph, response)
    errors = body.get("errors", [])
    assert isinstance(errors, list)
    return body["data"], [error["message"] for error in errors]


def entities(selection: str) -> str:
    field = f"_entities(representations: $representations) {{ ... on User {selection} }}"
    return f"query($representations: [_Any!]!) {{ {field} }}"


async def test_arguments_show_in_the_value() -> None:
    assert await ask("a", "{plain{name x: name(n: 2)}}") == ({"plain": {"name": "Ann", "x": 'Ann{"n": 2}'}}, [])


async def test_an_external_field_is_resolved_only_where_it_is_provided() -> None:
    assert await ask("a", "{user{age}}") == ({"user": {"age": 3}}, [])
    data, errors = await ask("a", "{plain{age}}")
    assert data == {"plain": {"age": None}}
    assert errors == ["a does not resolve the external User.age here"]


async def test_a_field_that_moved_away_throws() -> None:
    assert await ask("a", "{plain{old}}") == ({"plain": {"old": None}}, ["User.old moved away from a"])


async def test_a_field_with_requires_is_made_of_what_the_representation_says() -> None:
    known: dict[str, object] = {"__typename": "User", "id": "1"}
    assert await ask("b", entities("{tag}"), {**known, "size": 7}) == ({"_entities": [{"tag": 't{"size": 7}'}]}, [])
    data, errors = await ask("b", entities("{tag}"), known)
    assert data == {"_entities": [{"tag": None}]}
    assert errors == ["b was asked for User.tag without 'size'"]


async def test_an_entity_is_found_by_its_key_or_is_null_or_an_error() -> None:
    keys: list[dict[str, object]] = [{"id": "1"}, {"id": "2"}, {"size": 1}]
    asked = [{"__typename": "User"} | key for key in keys]
    data, errors = await ask("b", entities("{age}"), *asked)
    assert data == {"_entities": [{"age": 3}, None, None]}
    assert len(errors) == 1


async def test_an_operation_the_subgraph_cannot_validate_is_a_bug_of_the_planner() -> None:
    with pytest.raises(AssertionError, match="invalid operation"):
        await ask("b", "{plain{name}}")


def test_a_failing_sequence_shrinks_to_what_matters() -> None:
    record = Seeded(7)
    for _ in range(50):
        record.number(0, 100)
    sequence = [*record.record, 77]
    assert shrink(sequence, lambda candidate: any(value > 40 for value in candidate)) in ([41], [42], [77], [43])


def test_an_answer_of_millions_of_fields_is_not_waited_for() -> None:
    sdl = "type Query { all: [Node] } type Node { all: [Node] id: ID }"
    objects = [f"@Node:{number}" for number in range(10)]
    data: dict[str, dict[str, object]] = {"Query": {"all": objects}}
    data |= {name[1:]: {"all": objects, "id": name} for name in objects}
    monolith = Monolith(build_schema(sdl), Federation.of({}))
    store = Store(data, monolith.federation.meaning)
    assert monolith.execute(store, "{ all { all { all { id } } } }", {}).errors is None
    with pytest.raises(TooLarge):
        monolith.execute(store, "{ all { all { all { all { all { all { all { id } } } } } } } }", {})
