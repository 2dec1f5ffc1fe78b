"""Fetch groups of chosen options, by the plans they become.

Covers `router/planner/fetch/group_builder.py` and `router/planner/fetch/representation_inputs.py`.
"""

from __future__ import annotations

from router.plan import Fetch, InputField, InputFragment, Key, KeyRenamer, TypeIs, ValueSetter
from router.planner import plan
from tests.router.planner.federation import composed

SHOP = composed(
    shop="""
      type Query { item: Item media: Media }
      type Item @key(fields: "id") @key(fields: "code { number }") {
        id: ID! code: Code price(in: String): Int size: Int
      }
      type Code { number: Int }
      interface Media @key(fields: "id") { id: ID! }
      type Book implements Media @key(fields: "id") { id: ID! }
    """,
    stock="""
      type Item @key(fields: "code { number }") { code: Code stock: Int }
      type Code { number: Int }
    """,
    post="""
      type Item @key(fields: "id") {
        id: ID!
        price(in: String): Int @external
        size: Int @external
        postage: Int @requires(fields: "price(in: \\"EUR\\") size")
        label: String
      }
      type Media @interfaceObject @key(fields: "id") { id: ID! stars: Int }
    """,
)


def fetches(query: str) -> list[Fetch]:
    return list(plan(SHOP, query).fetches())


def test_roots_of_one_subgraph_for_one_object_share_a_fetch() -> None:
    _, post = fetches("{ item { postage label } }")
    assert post.operation.count("postage") == post.operation.count("label") == 1


def test_a_key_is_fetched_with_the_type_of_its_object() -> None:
    root, stock = fetches("{ item { stock } }")
    assert root.operation == "{item{code{number}__typename}}"
    assert stock.requires == (
        InputFragment("Item", (InputField("__typename"), InputField("code", (InputField("number"),)))),
    )
    assert stock.depends_on == (root.id,)


def test_a_required_field_under_an_alias_is_renamed_in_the_representation() -> None:
    root, post = fetches('{ item { price(in: "USD") postage } }')
    assert 'price__alias_0:price(in:"EUR")' in root.operation
    assert post.input_rewrites == (KeyRenamer((TypeIs(("Item",)), Key("price__alias_0")), "price"),)


def test_the_representation_of_an_interface_object_has_the_interface_as_its_type() -> None:
    root, stars = fetches("{ media { stars } }")
    assert "__typename" in root.operation
    assert stars.input_rewrites == (ValueSetter((TypeIs(("Media",)), Key("__typename")), "Media"),)
    assert stars.operation.endswith("{...on Media{stars}}}")


def test_a_key_is_fetched_under_the_guards_of_the_fields_behind_it() -> None:
    root, _ = fetches("query ($a: Boolean!) { item { size stock @include(if: $a) } }")
    assert root.operation == "query($a:Boolean!){item{size code@include(if:$a){number}__typename@include(if:$a)}}"
