"""Contracts: what clients of a variant see, and which part of the supergraph's text stays.

Covers `router/composition/contracts/__init__.py`, `router/composition/contracts/hide_elements_by_tags.py`,
`router/composition/contracts/write_inaccessible_into_sdl.py` and `router/composition/contracts/reachable_types.py`.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from graphql import print_schema

from router.composition import Subgraph, compose
from router.composition.contracts import Contract, ContractFilter, derive
from router.errors import InvalidSupergraph
from router.supergraph import load
from tests.router.supergraph.test_loading import problems

if TYPE_CHECKING:
    from graphql import GraphQLSchema

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", '
    'import: ["@key", "@tag", "@inaccessible", "@shareable"])\n'
)


def supergraph(*sdls: str) -> str:
    names = (f"s{number}" for number in range(len(sdls)))
    composition = compose([Subgraph(name, f"http://{name}", LINK + sdl) for name, sdl in zip(names, sdls, strict=True)])
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


def contract(sdl: str, include: str = "", exclude: str = "", *, hide_unreachable: bool = False) -> Contract:
    wanted = ContractFilter(frozenset(include.split()), frozenset(exclude.split()), hide_unreachable)
    return derive(supergraph(sdl), wanted)


def api(derived: Contract) -> GraphQLSchema:
    assert derived.supergraph_sdl is not None, derived.errors
    schema = load(derived.supergraph_sdl).api_schema
    assert problems(schema) == []
    return schema


def shown(derived: Contract) -> set[str]:
    """Coordinates of what clients see; of fields that are not on Query."""
    schema = api(derived)
    parts: set[str] = set()
    for name, definition in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Boolean", "ID", "Float"):
            continue
        parts.add(name)
        parts |= {f"{name}.{part}" for part in (*getattr(definition, "fields", ()), *getattr(definition, "values", ()))}
    return parts


def refusal(derived: Contract) -> list[tuple[str, str]]:
    assert derived.supergraph_sdl is None
    return [(error.code, error.message.partition(" is ")[0]) for error in derived.errors]


PRODUCTS = """
type Query { product: Product audit: Audit @tag(name: "internal") }
type Product { name: String @tag(name: "public") margin: Int @tag(name: "internal") weight: Int }
type Audit @tag(name: "internal") { at: String }
"""


def test_excluding_hides_elements_with_the_tag_only() -> None:
    assert shown(contract(PRODUCTS, exclude="internal")) == {
        "Query",
        "Query.product",
        "Product",
        "Product.name",
        "Product.weight",
    }


def test_including_hides_every_field_without_the_tag() -> None:
    sdl = PRODUCTS.replace("product: Product", 'product: Product @tag(name: "public")')
    assert shown(contract(sdl, include="public")) == {"Query", "Query.product", "Product", "Product.name"}


def test_a_tag_on_a_type_counts_for_its_fields() -> None:
    sdl = """
    type Query { a: A @tag(name: "public") }
    type A @tag(name: "public") { x: Int y: Int @tag(name: "internal") }
    """
    assert shown(contract(sdl, include="public")) == {"Query", "Query.a", "A", "A.x", "A.y"}
    assert shown(contract(sdl, include="public", exclude="internal")) == {"Query", "Query.a", "A", "A.x"}


def test_excluding_wins_over_including() -> None:
    sdl = 'type Query { a: Int @tag(name: "x") b: Int @tag(name: "x") @tag(name: "y") }'
    assert shown(contract(sdl, include="x", exclude="y")) == {"Query", "Query.a"}


def test_including_leaves_enums_inputs_scalars_and_arguments_alone() -> None:
    sdl = """
    type Query { find(order: Order, page: Page): When @tag(name: "public") }
    enum Order { A B @tag(name: "internal") }
    input Page { first: Int secret: Int @tag(name: "internal") }
    scalar When
    """
    everything = {"Query", "Query.find", "Order", "Order.A", "Order.B", "Page", "Page.first", "Page.secret", "When"}
    assert shown(contract(sdl, include="public")) == everything
    assert shown(contract(sdl, include="public", exclude="internal")) == everything - {"Order.B", "Page.secret"}


def test_an_excluded_argument_is_hidden() -> None:
    derived = contract('type Query { find(a: Int, b: Int @tag(name: "internal")): Int }', exclude="internal")
    query = api(derived).query_type
    assert query is not None
    assert list(query.fields["find"].args) == ["a"]


def test_including_hides_a_union_without_the_tag() -> None:
    sdl = """
    type Query { a: A @tag(name: "p") u: U }
    type A @tag(name: "p") { x: Int }
    union U = A
    """
    assert "U" not in shown(contract(sdl, include="p"))
    tagged = sdl.replace("union U", 'union U @tag(name: "p")').replace("u: U", 'u: U @tag(name: "p")')
    assert {"U", "Query.u"} <= shown(contract(tagged, include="p"))


def test_types_with_nothing_left_are_hidden_and_so_are_unions_of_them() -> None:
    sdl = """
    type Query { ok: Int found: U @tag(name: "x") }
    union U = A | B
    type A { a: Int @tag(name: "x") }
    type B @tag(name: "x") { b: Int }
    enum E { V @tag(name: "x") }
    input I { v: Int @tag(name: "x") }
    """
    assert shown(contract(sdl, exclude="x")) == {"Query", "Query.ok"}


def test_an_interface_field_goes_with_its_implementation() -> None:
    sdl = """
    type Query { node: Node }
    interface Node { id: ID! secret: Int }
    interface Thing implements Node { id: ID! secret: Int }
    type User implements Node & Thing { id: ID! secret: Int @tag(name: "x") }
    """
    assert shown(contract(sdl, exclude="x")) == {
        "Query",
        "Query.node",
        "Node",
        "Node.id",
        "Thing",
        "Thing.id",
        "User",
        "User.id",
    }


def test_an_interface_field_with_an_included_tag_is_not_dropped_silently() -> None:
    sdl = """
    type Query { node: Node @tag(name: "p") }
    interface Node { id: ID @tag(name: "p") }
    type User implements Node { id: ID name: String @tag(name: "p") }
    """
    assert refusal(contract(sdl, include="p")) == [("IMPLEMENTED_BY_INACCESSIBLE", "User.id")]


REACHABILITY = """
type Query { a: A hidden: B @tag(name: "x") }
type A implements I & J { i: Int c(e: E, in: In): C }
interface I { i: Int }
interface J { i: Int }
type Other implements J { i: Int o: Lonely }
type B { lost: Lost }
type Lost { x: Int }
type Lonely { x: Int }
enum E { V }
input In { nested: Nested }
input Nested { s: S }
scalar S
interface C { i: Int }
type D implements C { i: Int }
type Wanted @tag(name: "keep") { also: Also }
type Also { x: Int }
"""


def test_unreachable_types_are_hidden() -> None:
    types = {name for name in shown(contract(REACHABILITY, exclude="x", hide_unreachable=True)) if "." not in name}
    # J is the interface of a type that is reached; that does not make its other implementation reachable.
    assert types == {"Query", "A", "I", "J", "E", "In", "Nested", "S", "C", "D"}


def test_a_type_with_an_included_tag_is_kept_with_the_types_it_reaches() -> None:
    sdl = """
    type Query { a: Int @tag(name: "keep") }
    type Wanted @tag(name: "keep") { also: Also }
    type Also { x: Int @tag(name: "keep") }
    type Lost { x: Int @tag(name: "keep") }
    """
    derived = contract(sdl, include="keep", hide_unreachable=True)
    assert shown(derived) == {"Query", "Query.a", "Wanted", "Wanted.also", "Also", "Also.x"}


def test_without_the_option_the_unreachable_stays() -> None:
    assert "Lost" in shown(contract(REACHABILITY, exclude="x"))


def test_an_inaccessible_element_is_not_marked_twice() -> None:
    sdl = 'type Query { a: Int b: Int @inaccessible @tag(name: "x") }'
    derived = contract(sdl, exclude="x")
    assert shown(derived) == {"Query", "Query.a"}
    assert derived.supergraph_sdl == supergraph(sdl)


@pytest.mark.parametrize(
    ("sdl", "expected"),
    [
        ('type Query { a: A } type A @tag(name: "x") { y: Int }', ("REFERENCED_INACCESSIBLE", "A")),
        ('type Query { a(b: Int! @tag(name: "x")): Int }', ("REQUIRED_INACCESSIBLE", "Query.a(b:)")),
        (
            'type Query @tag(name: "x") { a: Int }',
            ("QUERY_ROOT_TYPE_INACCESSIBLE", "The query root cannot be @inaccessible: every API needs one."),
        ),
        ('type Query { a: Int @tag(name: "x") }', ("ONLY_INACCESSIBLE_CHILDREN", "Query")),
        (
            'type Query { a(e: E = B): Int } enum E { A B @tag(name: "x") }',
            ("DEFAULT_VALUE_USES_INACCESSIBLE", "The default value of Query.a(e:) uses something that"),
        ),
    ],
)
def test_an_invalid_api_schema_is_reported_with_the_composition_code(sdl: str, expected: tuple[str, str]) -> None:
    assert refusal(contract(sdl, exclude="x")) == [expected]


def test_a_refusal_points_into_the_supergraph() -> None:
    sdl = 'type Query { ok: Int a: A } type A @tag(name: "x") { y: Int }'
    (error,) = contract(sdl, exclude="x").errors
    (location,) = error.locations
    line = supergraph(sdl).split("\n")[location.line - 1]
    assert location.subgraph == "supergraph"
    assert line[location.column - 1 :].startswith("a: A")


def test_the_text_is_only_added_to_and_the_subgraphs_keep_everything() -> None:
    before = supergraph(PRODUCTS)
    derived = derive(before, ContractFilter(exclude=frozenset({"internal"})))
    assert derived.supergraph_sdl is not None
    characters = iter(derived.supergraph_sdl)
    assert all(character in characters for character in before)
    for name, model in load(before).subgraphs.items():
        assert print_schema(load(derived.supergraph_sdl).subgraphs[name].schema) == print_schema(model.schema)


def test_a_contract_of_a_contract_is_a_contract() -> None:
    first = contract(PRODUCTS, exclude="internal").supergraph_sdl
    assert first is not None
    second = derive(first, ContractFilter(include=frozenset({"public"})))
    assert refusal(second) == [("ONLY_INACCESSIBLE_CHILDREN", "Query")]


JOIN = """
schema {link}
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/tag/v0.2"){more} {{ query: Query }}
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | ENUM
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
{definitions}
directive @tag(name: String!) repeatable on FIELD_DEFINITION | ENUM_VALUE
enum join__Graph {{ A @join__graph(name: "a", url: "http://a") }}
scalar join__FieldSet
scalar link__Import
enum link__Purpose {{ SECURITY EXECUTION }}
type Query @join__type(graph: A) {{ a: Int @tag(name: "x") e: E }}
enum E @join__type(graph: A) {{ V @join__enumValue(graph: A) W @join__enumValue(graph: A) @tag(name: "x") }}
"""
PLAIN = '@link(url: "https://specs.apollo.dev/link/v1.0")'


@pytest.mark.parametrize(
    ("link", "more", "definitions", "expected"),
    [
        (PLAIN, "", "", '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)'),
        (
            PLAIN,
            "",
            "directive @inaccessible on FIELD",
            '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "inaccessible1", for: SECURITY)',
        ),
        (
            PLAIN,
            ' @link(url: "https://specs.apollo.dev/inaccessible/v0.1", as: "hide", for: SECURITY)',
            "directive @hide on FIELD_DEFINITION | OBJECT | INTERFACE | UNION",
            '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "hide", for: SECURITY)',
        ),
    ],
    ids=["not linked", "the name is taken", "linked in an old version under another name"],
)
def test_the_supergraph_links_the_specification_of_the_marks(
    link: str, more: str, definitions: str, expected: str
) -> None:
    sdl = JOIN.format(link=link, more=more, definitions=definitions)
    derived = derive(sdl, ContractFilter(exclude=frozenset({"x"})))
    assert shown(derived) == {"Query", "Query.e", "E", "E.V"}
    assert derived.supergraph_sdl is not None
    assert expected in derived.supergraph_sdl
    assert "directive @" + expected.partition('as: "')[2].partition('"')[0] in derived.supergraph_sdl
    assert derived.supergraph_sdl.count("ENUM_VALUE | INPUT_OBJECT") == 1


def test_unknown_tags_are_reported() -> None:
    derived = contract(PRODUCTS, include="", exclude="intrenal")
    assert derived.unknown_tags == ("intrenal",)
    assert derived.known_tags == ("internal", "public")


def test_a_tag_cannot_be_both_included_and_excluded() -> None:
    with pytest.raises(ValueError, match="both included and excluded: a"):
        ContractFilter(frozenset({"a"}), frozenset({"a"}))


def test_a_text_that_is_not_a_supergraph_raises() -> None:
    with pytest.raises(InvalidSupergraph):
        derive("type Query { a: Int }", ContractFilter(exclude=frozenset({"a"})))


CORPUS = Path(__file__).parents[5] / "shared" / "corpus" / "composition.jsonl.gz"


@pytest.mark.skipif(not CORPUS.exists(), reason="the recorded compositions are not on this machine")
def test_supergraphs_composed_by_apollo_have_contracts_too() -> None:
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        recorded = dict.fromkeys(json.loads(line)["expect"]["supergraph"] for line in lines)
    supergraphs = [sdl for sdl in recorded if sdl and "tag/v" in sdl]
    assert supergraphs
    for sdl in supergraphs:
        for tag in derive(sdl, ContractFilter()).known_tags:
            derived = derive(sdl, ContractFilter(exclude=frozenset({tag}), hide_unreachable=True))
            assert derived.errors or api(derived).query_type is not None
            assert {error.code for error in derived.errors} <= {"ONLY_INACCESSIBLE_CHILDREN"}
