from __future__ import annotations

import pytest
import strawberry
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse

from subgraphs.kit.once_per_operation import ONCE, check_single_fields, single_fields
from subgraphs.kit.operation_size import fragments_of
from subgraphs.kit.schema import create_schema
from tests.work import counted

MAX_CALLS = 500_000


@strawberry.type
class Query:
    login: str = "a query of the same name"


@strawberry.type
class Mutation:
    login: str = strawberry.field(resolver=lambda: "", metadata=ONCE)
    register: str = strawberry.field(resolver=lambda: "", metadata=ONCE)
    logout: str = strawberry.field(resolver=lambda: "")


SCHEMA = create_schema(query=Query, mutation=Mutation).graphql


def check(text: str) -> None:
    document = parse(text)
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    check_single_fields(SCHEMA, operation, fragments_of(document))


@pytest.mark.parametrize(
    "text",
    [
        "mutation { login }",
        "mutation { a: login logout b: logout c: logout }",
        "mutation { login login }",
        "mutation { login ...A ...B } fragment A on Mutation { login } fragment B on Mutation { login ...A }",
        "mutation { ...Missing login }",
    ],
)
def test_one_field_is_allowed_however_often_it_is_repeated(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "mutation { a: login b: login }",
        "mutation { login register }",
        "mutation { login a: login @skip(if: true) }",
        "mutation { login ... { a: login } }",
        "mutation { login ... on Mutation { ... { a: login } } }",
        "mutation { ...A } fragment A on Mutation { login ...B } fragment B on Mutation { b: login ...A }",
        "mutation { " + " ".join(f"l{number}: login" for number in range(700)) + " }",
    ],
)
def test_two_fields_are_refused(text: str) -> None:
    with pytest.raises(GraphQLError, match="at most one of these fields: login, register") as caught:
        check(text)
    assert caught.value.extensions is not None
    assert (caught.value.extensions["code"], caught.value.extensions["limit"]) == ("QUERY_TOO_EXPENSIVE", 1)


def test_fragments_that_double_at_each_level_are_visited_once() -> None:
    levels = [f"fragment F{n} on Mutation {{ ...F{n + 1} ...F{n + 1} }}" for n in range(1, 200)]
    with counted(MAX_CALLS):
        check("mutation { ...F1 } " + " ".join(levels) + " fragment F200 on Mutation { login }")


def test_a_schema_without_mutations_has_no_such_fields() -> None:
    assert single_fields(SCHEMA) == {"login", "register"}
    assert single_fields(build_schema("type Query { a: Int }")) == frozenset()
    assert single_fields(build_schema("type Query { a: Int } type Mutation { login: Int }")) == frozenset()
