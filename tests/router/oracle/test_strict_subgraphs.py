"""The strict subgraphs report errors for fetches that a real subgraph could not resolve.

Covers also the limit of the monolith and the shrinking of choices.
"""

from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.graphql_over_http import decode_response
from router.transport.interface import SubgraphRequest
from tests.router.oracle.choices import SeededChoices, shrink
from tests.router.oracle.data_store import Store
from tests.router.oracle.monolith import Monolith, ResponseTooLarge
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

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


async def fetch(subgraph: str, operation: str, *representations: dict[str, object]) -> tuple[object, list[object]]:
    federation_rules = FederationRules.of(SUBGRAPHS)
    transport = InProcessSubgraphs.over(federation_rules, Store(DATA, federation_rules.semantics))
    variables: dict[str, object] = {"representations": list(representations)} if representations else {}
    response = await transport.send(SubgraphRequest(subgraph=subgraph, operation=operation, variables=variables))
    body = decode_response(subgraph, response)
    errors = body.get("errors", [])
    assert isinstance(errors, list)
    return body["data"], [error["message"] for error in errors]


def entities(selection: str) -> str:
    field = f"_entities(representations: $representations) {{ ... on User {selection} }}"
    return f"query($representations: [_Any!]!) {{ {field} }}"


async def test_the_arguments_are_part_of_the_value() -> None:
    assert await fetch("a", "{plain{name x: name(n: 2)}}") == ({"plain": {"name": "Ann", "x": 'Ann{"n": 2}'}}, [])


async def test_an_external_field_is_resolved_only_if_it_is_provided() -> None:
    assert await fetch("a", "{user{age}}") == ({"user": {"age": 3}}, [])
    data, errors = await fetch("a", "{plain{age}}")
    assert data == {"plain": {"age": None}}
    assert errors == ["a does not resolve the external User.age here"]


async def test_an_overridden_field_is_an_error() -> None:
    assert await fetch("a", "{plain{old}}") == (
        {"plain": {"old": None}},
        ["a does not resolve the overridden User.old"],
    )


async def test_required_values_come_from_the_representation() -> None:
    representation: dict[str, object] = {"__typename": "User", "id": "1"}
    assert await fetch("b", entities("{tag}"), {**representation, "size": 7}) == (
        {"_entities": [{"tag": 't{"size": 7}'}]},
        [],
    )
    data, errors = await fetch("b", entities("{tag}"), representation)
    assert data == {"_entities": [{"tag": None}]}
    assert errors == ["b got no 'size' for User.tag"]


async def test_a_representation_is_resolved_by_its_key_or_is_null_or_an_error() -> None:
    keys: list[dict[str, object]] = [{"id": "1"}, {"id": "2"}, {"size": 1}]
    representations = [{"__typename": "User"} | key for key in keys]
    data, errors = await fetch("b", entities("{age}"), *representations)
    assert data == {"_entities": [{"age": 3}, None, None]}
    assert len(errors) == 1


async def test_an_invalid_operation_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="invalid operation"):
        await fetch("b", "{plain{name}}")


def test_a_failing_sequence_is_shrunk() -> None:
    record = SeededChoices(7)
    for _ in range(50):
        record.number(0, 100)
    sequence = [*record.record, 77]
    assert shrink(sequence, lambda candidate: any(value > 40 for value in candidate)) in ([41], [42], [77], [43])


def test_the_monolith_limits_the_fields_of_a_response() -> None:
    sdl = "type Query { all: [Node] } type Node { all: [Node] id: ID }"
    objects = [f"@Node:{number}" for number in range(10)]
    data: dict[str, dict[str, object]] = {"Query": {"all": objects}}
    data |= {name[1:]: {"all": objects, "id": name} for name in objects}
    monolith = Monolith(build_schema(sdl), FederationRules.of({}))
    store = Store(data, monolith.federation_rules.semantics)
    assert monolith.execute(store, "{ all { all { all { id } } } }", {}).errors is None
    with pytest.raises(ResponseTooLarge):
        monolith.execute(store, "{ all { all { all { all { all { all { all { id } } } } } } } }", {})
