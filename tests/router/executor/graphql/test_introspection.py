from __future__ import annotations

from graphql import build_client_schema, build_schema, get_introspection_query, parse, print_schema

from router.executor.graphql.introspection import introspect
from router.get_operation import get_operation
from tests.router.executor.harness import Scripted, responds, run
from tests.router.plan.fetches import fetch
from tests.router.planner.federation import composed

SDL = """
type Query {
  name: String
}
"""


async def test_the_standard_query_gives_the_whole_api_schema() -> None:
    result = await run(SDL, get_introspection_query(), None, Scripted({}))
    assert result.errors == ()
    assert result.data is not None
    assert print_schema(build_client_schema(result.data)) == print_schema(build_schema(SDL))  # type: ignore[arg-type]  # a JSON object


async def test_introspection_and_data_are_one_response_in_the_order_of_the_operation() -> None:
    query = """
      query($n: String!, $no: Boolean!) {
        t: __type(name: $n) { name } name ...F __schema @include(if: $no) { description }
      }
      fragment F on Query { t: __type(name: $n) { kind } __typename }
    """
    transport = Scripted({"one": responds({"data": {"name": "x"}})})
    result = await run(SDL, query, fetch(0, "one", "{name}", "query"), transport, {"n": "Query", "no": False})
    assert result.data == {"t": {"name": "Query", "kind": "OBJECT"}, "name": "x", "__typename": "Query"}
    assert list(result.data) == ["t", "name", "__typename"]


async def test_an_unknown_type_is_null() -> None:
    result = await run(SDL, '{ __type(name: "Nope") { name } }', None, Scripted({}))
    assert (result.data, result.errors) == ({"__type": None}, ())


async def test_defer_is_not_shown_although_operations_may_contain_it() -> None:
    """Was: shown, although a response is never deferred."""
    supergraph = composed(a="directive @note(text: String) on FIELD type Query { a: Int }")
    operation = get_operation(supergraph.api_schema, parse("{ ... @defer { __schema { directives { name } } } }"), None)
    names = [one["name"] for one in introspect(operation, {})["__schema"]["directives"]]  # type: ignore[index]
    assert "note" in names
    assert "defer" not in names
