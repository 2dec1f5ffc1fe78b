"""Load one supergraph, and check the model that the router builds.

Covers `router/supergraph/loading.py`, `router/supergraph/model.py`, `router/supergraph/join_directives.py`,
`router/supergraph/types_and_fields_by_subgraph.py`, `router/supergraph/subgraph_extraction.py`,
`router/supergraph/executable_subgraph_schema.py`,
`router/supergraph/check_subgraph_type_references.py` and
`router/supergraph/merged_and_api_schema.py`.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_schema,
    print_schema,
    specified_directives,
    validate_schema,
)

from benchmarks.composition.federations import federation
from router.composition import compose
from router.errors import InvalidSupergraph
from router.supergraph import load
from router.supergraph.model import OverrideLabel
from tests.router.planner.federation import composed
from tests.work import counted

if TYPE_CHECKING:
    from router.supergraph import Supergraph

HEADER = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/tag/v0.3")
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)
{ query: Query }

directive @inaccessible on FIELD_DEFINITION | OBJECT
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @tag(name: String!) repeatable on FIELD_DEFINITION
enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b-2", url: "http://b") }
enum link__Purpose { SECURITY EXECUTION }
"""

SUPERGRAPH = f"""{HEADER}
type Query @join__type(graph: A) @join__type(graph: B) {{
  product(sort: Sort = UP, hidden: Int @inaccessible): Product @join__field(graph: A, provides: "name")
  media: Media @join__field(graph: B) @tag(name: "x")
}}

type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", resolvable: false)
  @join__type(graph: B, key: "sku {{ code }}") @context(name: "a__shop") {{
  id: ID!
  sku: Sku @join__field(graph: B)
  name: String @join__field(graph: A, external: true) @join__field(graph: B)
  secret: String @inaccessible @join__field(graph: A)
  price: Float @join__field(graph: A, type: "Float!") @join__field(graph: B, type: "Float")
  fee: Int @join__field(graph: B, requires: "price")
  moved: Int @join__field(graph: A, usedOverridden: true) @join__field(graph: B, override: "a")
  moving: Int @join__field(graph: A, usedOverridden: true, overrideLabel: "l")
    @join__field(graph: B, override: "a", overrideLabel: "l")
  total: Int @join__field(graph: A, contextArguments: [
    {{ name: "tax", type: "Int!", context: "a__shop", selection: "{{ rate }}" }}
  ])
  rate: Int! @join__field(graph: A)
}}

type Sku @join__type(graph: B) {{ code: ID! }}
type Secret @inaccessible @join__type(graph: A) {{ x: Int }}

interface Media @join__type(graph: A, key: "id", isInterfaceObject: true) @join__type(graph: B, key: "id") {{
  id: ID!
  score: Int @join__field(graph: A)
}}
type Book implements Media @join__type(graph: B, key: "id") @join__implements(graph: B, interface: "Media") {{
  id: ID!
  score: Int @join__field
}}
union Thing @join__type(graph: A) @join__type(graph: B) @join__unionMember(graph: A, member: "Product")
  @join__unionMember(graph: B, member: "Product") @join__unionMember(graph: B, member: "Book") = Product | Book
enum Sort @join__type(graph: A) @join__type(graph: B) {{
  UP @join__enumValue(graph: A) @join__enumValue(graph: B)
  DOWN @join__enumValue(graph: B)
}}
"""


def problems(schema: GraphQLSchema) -> list[GraphQLError]:
    """Return the errors of a schema that was built without validation."""
    parts = schema.to_kwargs()
    parts["assume_valid"] = False
    return validate_schema(GraphQLSchema(**parts))


def test_subgraphs_have_their_names_and_urls() -> None:
    subgraphs = load(SUPERGRAPH).subgraphs
    assert {name: model.url for name, model in subgraphs.items()} == {"a": "http://a", "b-2": "http://b"}


def test_the_api_schema_has_neither_join_directives_nor_inaccessible_elements() -> None:
    api = load(SUPERGRAPH).api_schema
    text = print_schema(api)
    for hidden in ("join__", "link__", "secret", "Secret", "hidden", "@tag", "tax"):
        assert hidden not in text
    assert problems(api) == []


def test_the_merged_schema_has_inaccessible_elements() -> None:
    assert "secret" in print_schema(load(SUPERGRAPH).schema)


def test_a_field_is_in_the_subgraphs_of_its_join_field() -> None:
    a, b = load(SUPERGRAPH).subgraphs.values()
    assert set(a.types["Product"].fields) == {"id", "name", "secret", "price", "moved", "moving", "total", "rate"}
    assert set(b.types["Product"].fields) == {"id", "sku", "name", "price", "fee", "moved", "moving"}
    assert "score" not in b.types["Book"].fields


def test_keys_are_resolvable_or_not() -> None:
    _, b = load(SUPERGRAPH).subgraphs.values()
    assert [key.resolvable for key in b.types["Product"].keys] == [False, True]


def test_external_and_overridden_fields_are_not_resolved() -> None:
    a, _ = load(SUPERGRAPH).subgraphs.values()
    fields = a.types["Product"].fields
    assert fields["name"].external
    assert fields["moved"].external
    assert not fields["moving"].external


def test_an_override_label_has_the_value_for_its_subgraph() -> None:
    a, b = load(SUPERGRAPH).subgraphs.values()
    assert a.types["Product"].fields["moving"].label == OverrideLabel("l", when=False)
    assert b.types["Product"].fields["moving"].label == OverrideLabel("l", when=True)


def test_an_interface_object_is_an_object_in_its_subgraph() -> None:
    a, b = load(SUPERGRAPH).subgraphs.values()
    assert (a.types["Media"].kind, a.types["Media"].possible) == ("object", frozenset({"Media"}))
    assert (b.types["Media"].kind, b.types["Media"].possible) == ("interface", frozenset({"Book"}))


def test_subgraph_schemas_are_those_that_the_subgraphs_serve() -> None:
    a, b = load(SUPERGRAPH).subgraphs.values()
    for model in (a, b):
        assert problems(model.schema) == []
    text = print_schema(a.schema)
    assert "union _Entity = Media | Product" in text
    assert "price: Float!" in text
    assert "total(tax: Int!): Int" in text
    assert "DOWN" not in text
    assert "union Thing = Product | Book" in print_schema(b.schema)
    assert "union Thing = Product\n" in text


def test_contexts_are_read() -> None:
    a, _ = load(SUPERGRAPH).subgraphs.values()
    assert a.types["Product"].contexts == {"a__shop"}
    (argument,) = a.types["Product"].fields["total"].context_arguments
    assert (argument.name, argument.type, argument.context) == ("tax", "Int!", "a__shop")


FEDERATION_1 = """
schema @core(feature: "https://specs.apollo.dev/core/v0.2") @core(feature: "https://specs.apollo.dev/join/v0.1")
{ query: Query }
directive @core(feature: String!) repeatable on SCHEMA
scalar join__FieldSet
enum join__Graph {
  ACCOUNTS @join__graph(name: "accounts", url: "http://accounts")
  REVIEWS @join__graph(name: "reviews", url: "http://reviews")
}
type Query { me: User @join__field(graph: ACCOUNTS) top: [Review] @join__field(graph: REVIEWS) }
type User @join__owner(graph: ACCOUNTS) @join__type(graph: ACCOUNTS, key: "id") @join__type(graph: REVIEWS, key: "id") {
  id: ID! @join__field(graph: ACCOUNTS)
  name: String @join__field(graph: ACCOUNTS)
  reviews: [Review] @join__field(graph: REVIEWS)
}
type Review @join__owner(graph: REVIEWS) @join__type(graph: REVIEWS, key: "id") {
  id: ID! @join__field(graph: REVIEWS)
  author: User @join__field(graph: REVIEWS, provides: "name")
  at: Date @join__field(graph: REVIEWS)
}
type Date { year: Int }
"""


def test_a_federation_1_supergraph_is_read_completely() -> None:
    accounts, reviews = load(FEDERATION_1).subgraphs.values()
    assert set(accounts.types["User"].fields) == {"id", "name"}
    assert set(reviews.types["User"].fields) == {"id", "name", "reviews"}
    assert reviews.types["User"].fields["name"].external
    assert not reviews.types["User"].fields["id"].external
    assert "Review" not in accounts.types
    assert "Date" in accounts.types
    assert problems(reviews.schema) == []


@pytest.mark.parametrize(
    ("sdl", "code"),
    [
        ("type Query {", "INVALID_FEDERATION_SUPERGRAPH"),
        ("type Query { a: Int }", "INVALID_FEDERATION_SUPERGRAPH"),
        (SUPERGRAPH.replace('key: "id"', 'key: "id {"'), "INVALID_FEDERATION_SUPERGRAPH"),
        (HEADER, "INVALID_FEDERATION_SUPERGRAPH"),
        (
            f"{SUPERGRAPH} input Old @join__type(graph: A) {{ a: Int @deprecated(reason: 1) }}",
            "INVALID_FEDERATION_SUPERGRAPH",
        ),
        (SUPERGRAPH.replace("join/v0.5", "join/v0.9"), "UNSUPPORTED_LINKED_FEATURE"),
        (
            SUPERGRAPH.replace(
                "{ query: Query }", '@link(url: "https://example.com/guard/v1.0", for: SECURITY) { query: Query }'
            ),
            "UNSUPPORTED_LINKED_FEATURE",
        ),
        (
            SUPERGRAPH.replace(
                "{ query: Query }", '@link(url: "https://example.com/guard/v1.0", purpose: SECURITY) { query: Query }'
            ),
            "INVALID_FEDERATION_SUPERGRAPH",
        ),
    ],
)
def test_a_supergraph_that_cannot_be_served_is_refused(sdl: str, code: str) -> None:
    with pytest.raises(InvalidSupergraph) as refused:
        load(sdl)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("whole", "damaged", "message"),
    [
        (
            "type Sku @join__type(graph: B)",
            "type Sku @join__type(graph: A)",
            'Product.sku has the type Sku, which the subgraph "b-2"',
        ),
        (
            "enum Sort @join__type(graph: A)",
            "enum Sort",
            'Query.product(sort:) has the type Sort, which the subgraph "a"',
        ),
        (
            'graph: A, member: "Product"',
            'graph: A, member: "Book"',
            'A member of Thing has the type Book, which the subgraph "a"',
        ),
        ("type Secret", "input In @join__type(graph: A) { s: Sku } type Secret", "In.s has the type Sku, which"),
    ],
)
def test_a_missing_type_of_a_subgraph_is_reported(whole: str, damaged: str, message: str) -> None:
    sdl = SUPERGRAPH.replace(whole, damaged)
    assert sdl != SUPERGRAPH
    with pytest.raises(InvalidSupergraph) as refused:
        load(sdl)
    assert refused.value.message.startswith(message)


def test_an_unknown_specification_without_purpose_is_ignored() -> None:
    linked = SUPERGRAPH.replace("{ query: Query }", '@link(url: "https://example.com/notes/v1.0") { query: Query }')
    assert load(linked).api_schema.query_type is not None


def test_a_deprecation_for_null_has_the_default_reason() -> None:
    """Was: refused. `reason` is nullable in the GraphQL specification of October 2021."""
    sdl = composed(a='type Query { a: Int @deprecated(reason: null) b: Int @deprecated(reason: "x") }').sdl
    assert "@deprecated(reason: null)" in sdl
    query = load(sdl).api_schema.query_type
    assert query is not None
    assert [one.deprecation_reason for one in query.fields.values()] == ["No longer supported", "x"]


def api_schema_by_printing(supergraph: Supergraph) -> GraphQLSchema:
    return build_schema(print_schema(supergraph.api_schema), assume_valid=True)


@pytest.mark.parametrize("hidden", ["", "@inaccessible"])
def test_the_api_schema_shares_types_with_the_merged_schema_only_if_they_are_equal(hidden: str) -> None:
    loaded = load(
        f"{HEADER} directive @cached on FIELD directive @defer(x: Int) on FIELD directive @own on OBJECT"
        f" type Query @own @join__type(graph: A) {{ a: Int b(c: Int): Int {hidden} }}"
    )
    is_shared = loaded.api_schema.type_map["Query"] is loaded.schema.type_map["Query"]
    assert is_shared == (not hidden)
    assert [directive.name for directive in loaded.api_schema.directives] == [
        *("cached", "defer"),
        *(directive.name for directive in specified_directives),
    ]
    defer = loaded.api_schema.get_directive("defer")
    assert defer is not None
    assert list(defer.args) == ["label", "if"]
    assert [*loaded.api_schema.type_map] == [*api_schema_by_printing(loaded).type_map]


def test_loading_reads_each_type_once_however_many_subgraphs_there_are() -> None:
    """Every type was looked at once for each subgraph."""
    small, large = (composed_sdl(subgraphs) for subgraphs in (10, 40))
    with counted() as few:
        load(small)
    with counted() as many:
        load(large)
    assert many.calls < 4.4 * few.calls


def composed_sdl(subgraphs: int) -> str:
    sdl = compose(federation(subgraphs, 20)).supergraph_sdl
    assert sdl is not None
    return sdl


@pytest.mark.parametrize("sdl", [SUPERGRAPH, "type Query {"])
def test_the_garbage_collector_runs_again_after_loading(sdl: str) -> None:
    with suppress(InvalidSupergraph):
        load(sdl)
    assert gc.isenabled()


def test_the_garbage_collector_stays_off_if_it_was_off() -> None:
    gc.disable()
    try:
        load(SUPERGRAPH)
        assert not gc.isenabled()
    finally:
        gc.enable()
