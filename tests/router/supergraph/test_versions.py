"""Supergraphs of every version of the join specification are read with the same result."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from graphql import FieldNode, parse, print_schema

from router.errors import InvalidSupergraph
from router.planner import plan
from router.supergraph import Supergraph, load

LINK = """
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
enum link__Purpose { SECURITY EXECUTION }
scalar link__Import
"""
GRAPHS = """
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
scalar join__FieldSet
enum join__Graph {
  REVIEWS @join__graph(name: "reviews", url: "http://reviews")
  USERS @join__graph(name: "users", url: "http://users")
}
"""

FEDERATION_1 = f"""
schema
  @core(feature: "https://specs.apollo.dev/core/v0.1")
  @core(feature: "https://specs.apollo.dev/join/v0.1")
{{ query: Query }}
directive @core(feature: String!) repeatable on SCHEMA
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet) on FIELD_DEFINITION
directive @join__owner(graph: join__Graph!) on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
{GRAPHS}
enum Kind {{ GOOD BAD }}
type Query {{ me: User @join__field(graph: USERS) }}
type Review {{ text: String kind: Kind about: Subject }}
union Subject = User
type User
  @join__owner(graph: USERS)
  @join__type(graph: USERS, key: "id")
  @join__type(graph: REVIEWS, key: "id")
{{
  id: ID! @join__field(graph: USERS)
  email: String @join__field(graph: USERS)
  name: String @join__field(graph: USERS)
  score: Int @join__field(graph: REVIEWS, requires: "email")
  reviews: [Review] @join__field(graph: REVIEWS)
}}
"""


@dataclass(frozen=True)
class Join:
    """The changes of a version of the join specification (Federation 2) to the previous version."""

    field_arguments: str
    type_arguments: str = "key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true"
    more: str = ""
    union_member: str = ""
    enum_value: str = ""


_FIELD_0_2 = (
    "graph: join__Graph!, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, "
    "override: String, usedOverridden: Boolean"
)
_FIELD_0_3 = _FIELD_0_2.replace("Graph!", "Graph")
_TYPE_0_3 = f"{Join('').type_arguments}, isInterfaceObject: Boolean! = false"
_MORE_0_3 = """
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
"""
_MORE_0_4 = f"""{_MORE_0_3}
scalar join__DirectiveArguments
directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments)
  repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
"""
_MORE_0_5 = f"""{_MORE_0_4}
scalar join__FieldValue
input join__ContextArgument {{ name: String! type: String! context: String! selection: join__FieldValue! }}
"""
_LISTED = ('@join__unionMember(graph: REVIEWS, member: "User")', "@join__enumValue(graph: REVIEWS)")
FEDERATION_2 = {
    "v0.2": Join(_FIELD_0_2),
    "v0.3": Join(_FIELD_0_3, _TYPE_0_3, _MORE_0_3, *_LISTED),
    "v0.4": Join(f"{_FIELD_0_3}, overrideLabel: String", _TYPE_0_3, _MORE_0_4, *_LISTED),
    "v0.5": Join(
        f"{_FIELD_0_3}, overrideLabel: String, contextArguments: [join__ContextArgument!]",
        _TYPE_0_3,
        _MORE_0_5,
        *_LISTED,
    ),
}


def federation_2(version: str) -> str:
    join = FEDERATION_2[version]
    return f"""
    schema
      @link(url: "https://specs.apollo.dev/link/v1.0")
      @link(url: "https://specs.apollo.dev/join/{version}", for: EXECUTION)
    {{ query: Query }}
    {LINK}
    {GRAPHS}
    directive @join__field({join.field_arguments}) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
    directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
    directive @join__type(graph: join__Graph!, {join.type_arguments})
      repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
    {join.more}
    enum Kind @join__type(graph: REVIEWS) {{ GOOD {join.enum_value} BAD {join.enum_value} }}
    type Query @join__type(graph: REVIEWS) @join__type(graph: USERS) {{ me: User @join__field(graph: USERS) }}
    type Review @join__type(graph: REVIEWS) {{ text: String kind: Kind about: Subject }}
    union Subject @join__type(graph: REVIEWS) {join.union_member} = User
    type User @join__type(graph: USERS, key: "id") @join__type(graph: REVIEWS, key: "id") {{
      id: ID!
      email: String @join__field(graph: USERS) @join__field(graph: REVIEWS, external: true)
      name: String @join__field(graph: USERS)
      score: Int @join__field(graph: REVIEWS, requires: "email")
      reviews: [Review] @join__field(graph: REVIEWS)
    }}
    """


SUPERGRAPHS = {"v0.1": FEDERATION_1, **{version: federation_2(version) for version in FEDERATION_2}}


@pytest.fixture(params=SUPERGRAPHS)
def supergraph(request: pytest.FixtureRequest) -> Supergraph:
    return load(SUPERGRAPHS[request.param])


def test_the_api_schema_does_not_depend_on_the_version(supergraph: Supergraph) -> None:
    assert print_schema(supergraph.api_schema) == print_schema(load(FEDERATION_1).api_schema)
    assert "join__" not in print_schema(supergraph.schema)


def test_each_subgraph_has_its_own_types(supergraph: Supergraph) -> None:
    reviews, users = supergraph.subgraphs["reviews"], supergraph.subgraphs["users"]
    assert (reviews.url, users.url) == ("http://reviews", "http://users")
    assert {name for name, field in users.types["User"].fields.items() if not field.external} == {"id", "email", "name"}
    resolved = {name for name, field in reviews.types["User"].fields.items() if not field.external}
    assert resolved == {"id", "score", "reviews"}
    assert reviews.types["Subject"].possible == {"User"}
    assert "me" in users.types["Query"].fields


def test_keys_and_requirements_are_read(supergraph: Supergraph) -> None:
    user = supergraph.subgraphs["reviews"].types["User"]
    (key,) = user.keys
    requires = user.fields["score"].requires
    assert requires is not None
    names = [
        node.name.value for part in (key.fields, requires) for node in part.selections if isinstance(node, FieldNode)
    ]
    assert names == ["id", "email"]
    assert key.resolvable


def test_operations_are_planned_in_the_same_way(supergraph: Supergraph) -> None:
    operation = parse("{ me { name score reviews { text kind about { ... on User { name } } } } }")
    assert plan(supergraph, operation).to_text() == plan(load(SUPERGRAPHS["v0.5"]), operation).to_text()


@pytest.mark.parametrize(
    ("sdl", "code"),
    [
        ("", "INVALID_FEDERATION_SUPERGRAPH"),
        ("type Query { a: Int }", "INVALID_FEDERATION_SUPERGRAPH"),
        (SUPERGRAPHS["v0.3"].replace("join/v0.3", "join/v0.9"), "UNSUPPORTED_LINKED_FEATURE"),
        (
            SUPERGRAPHS["v0.3"].replace(
                "{ query: Query }", '@link(url: "https://example.com/vault/v1.0", for: SECURITY) { query: Query }'
            ),
            "UNSUPPORTED_LINKED_FEATURE",
        ),
        (SUPERGRAPHS["v0.3"].replace('requires: "email"', 'requires: "{"'), "INVALID_FEDERATION_SUPERGRAPH"),
        (SUPERGRAPHS["v0.3"].replace("kind: Kind", "kind: Unknown"), "INVALID_FEDERATION_SUPERGRAPH"),
    ],
)
def test_a_supergraph_that_cannot_be_served_is_refused_with_a_code(sdl: str, code: str) -> None:
    with pytest.raises(InvalidSupergraph) as error:
        load(sdl)
    assert error.value.code == code


def test_an_unknown_specification_without_purpose_is_ignored() -> None:
    sdl = SUPERGRAPHS["v0.3"].replace(
        "{ query: Query }", '@link(url: "https://example.com/notes/v1.0") { query: Query }'
    )
    assert load(sdl).api_schema.query_type is not None
