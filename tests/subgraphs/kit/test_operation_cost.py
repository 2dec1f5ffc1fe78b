"""Estimates of the objects that an operation resolves, over a schema with every form of `@cost` and `@listSize`."""

# No `from __future__ import annotations`: Strawberry reads these annotations while the module is still loading.
from collections.abc import Callable
from typing import Annotated, Any, Union

import pytest
import strawberry
from graphql import (
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    is_object_type,
    parse,
)
from strawberry.federation.schema_directives import Cost, ListSize

from subgraphs.account.schema import build_schema as account_schema
from subgraphs.auth.schema import build_schema as auth_schema
from subgraphs.kit.operation_cost import UNDECLARED_LIST, directives_of, estimate
from subgraphs.kit.operation_size import fragments_of
from subgraphs.kit.schema import SubgraphSchema, create_schema
from subgraphs.transaction.schema import build_schema as transaction_schema

PAGED = ListSize(
    assumed_size=20,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)


def sized(number: int) -> ListSize:
    return ListSize(assumed_size=number, slicing_arguments=None, sized_fields=None)


@strawberry.type
class Leaf:
    name: str = ""


@strawberry.type
class Branch:
    leaves: list[Leaf] = strawberry.field(default_factory=list, directives=[sized(7)])
    names: list[str] = strawberry.field(default_factory=list)


AnyThing = Annotated[Union[Leaf, Branch], strawberry.union("AnyThing")]  # noqa: UP007 - a union of GraphQL


@strawberry.type
class Edge:
    node: "Node"


@strawberry.type
class Page:
    edges: list[Edge] = strawberry.field(default_factory=list)
    nodes: list["Node"] = strawberry.field(default_factory=list)
    others: list["Node"] = strawberry.field(default_factory=list)


def _page(first: int | None = None, last: int | None = None) -> Page:
    del first, last
    return Page()


def _leaf() -> Leaf:
    return Leaf()


def _branch() -> Branch:
    return Branch()


@strawberry.type
class Node:
    leaf: Leaf
    things: list[AnyThing] = strawberry.field(default_factory=list, directives=[sized(2)])
    page: Page = strawberry.field(resolver=_page, directives=[PAGED])


@strawberry.federation.type(keys=["id"])
class Thing:
    id: strawberry.ID
    page: Page = strawberry.field(resolver=_page, directives=[PAGED])


@strawberry.type
class Query:
    page: Page = strawberry.field(resolver=_page, directives=[PAGED])
    leaf: Leaf = strawberry.field(resolver=_leaf)
    heavy: Leaf = strawberry.field(resolver=_leaf, directives=[Cost(weight=100)])
    number: int = strawberry.field(resolver=lambda: 1, directives=[Cost(weight=5)])
    branch: Branch = strawberry.field(resolver=_branch)


SCHEMA = create_schema(query=Query, types=[Thing])


def cost(text: str, variables: dict[str, Any] | None = None) -> int:
    document = parse(text)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return estimate(SCHEMA.graphql, operation, fragments_of(document), variables or {})


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("{ __typename }", 0),
        ("{ leaf { name } }", 1),
        ("{ heavy { name } }", 100),
        ("{ number }", 5),
        ("{ a: leaf { name } b: leaf { name } }", 2),
        ("{ branch { names } }", 1),
        ("{ branch { leaves { name } } }", 1 + 7),
        ("{ page { __typename } }", 1),
        ("{ page { nodes { __typename } } }", 1 + 20),
        ("{ page(first: 3) { nodes { __typename } } }", 1 + 3),
        ("{ page(last: 3) { edges { node { __typename } } } }", 1 + 3 * 2),
        ("{ page(first: 3, last: 9) { nodes { __typename } } }", 1 + 9),
        ("{ page(first: 0) { nodes { __typename } } }", 1),
        ("{ page(first: -5) { nodes { __typename } } }", 1),
        ("{ page(first: null) { nodes { __typename } } }", 1 + 20),
        ("{ page(first: 3) { others { __typename } } }", 1 + UNDECLARED_LIST),
        ("{ page(first: 3) { nodes { leaf { name } } edges { node { leaf { name } } } } }", 1 + 3 * 2 + 3 * 3),
        ("{ page(first: 4) { nodes { page(first: 5) { nodes { leaf { name } } } } } }", 1 + 4 * (2 + 5 * 2)),
        # The most expensive type of a union counts: a Branch with its seven leaves.
        (
            "{ page(first: 1) { nodes { things { ... on Leaf { name } ... on Branch { leaves { name } } } } } }",
            2 + 2 * (1 + 7),
        ),
        ("{ ...F ...F } fragment F on Query { leaf { name } }", 2),
        ("{ leaf @skip(if: true) { name } }", 0),
        ("{ leaf @include(if: false) { name } ... @include(if: true) { branch { names } } }", 1),
        ("{ _entities(representations: [{}, {}]) { ... on Thing { page(first: 3) { nodes { __typename } } } } }", 10),
        ("{ __schema { types { fields { name } } } }", 0),
    ],
)
def test_what_an_operation_resolves_at_most(text: str, objects: int) -> None:
    assert cost(text) == objects


PAGE = "{ page(first: $n) { nodes { __typename } } }"


@pytest.mark.parametrize(
    ("definition", "variables", "objects"),
    [
        ("$n: Int", {"n": 3}, 1 + 3),
        ("$n: Int", {"n": 3.0}, 1 + 3),
        ("$n: Int", {"n": None}, 1 + 20),
        ("$n: Int", {}, 1 + 20),
        ("$n: Int = 6", {}, 1 + 6),
        ("$n: Int = 6", {"n": 3}, 1 + 3),
        ("$n: Int = 6", {"n": None}, 1 + 20),
        # Values that the coercion refuses before anything is resolved.
        ("$n: Int", {"n": "3"}, 1 + 20),
        ("$n: Int", {"n": True}, 1 + 20),
        ("$n: Int", {"n": float("inf")}, 1 + 20),
        ("$n: Int", {"n": [3]}, 1 + 20),
        ("$n: Int", {"n": 2**31}, 1 + 20),
        ("$n: Int", {"n": 1e300}, 1 + 20),
    ],
)
def test_a_page_size_may_be_a_variable(definition: str, variables: dict[str, Any], objects: int) -> None:
    assert cost(f"query ({definition}) {PAGE}", variables) == objects


@pytest.mark.parametrize(("representations", "objects"), [([{}] * 100, 100), ([], 0), ({}, 1), (None, 1)])
def test_each_representation_of_a_variable_counts(representations: Any, objects: int) -> None:
    text = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Thing { id } } }"
    assert cost(text, {"r": representations}) == objects


def test_a_condition_may_be_a_variable() -> None:
    text = "query ($yes: Boolean! = true) { leaf @skip(if: $yes) { name } branch @include(if: $yes) { names } }"
    assert [cost(text), cost(text, {"yes": False})] == [1, 1]
    assert cost("query ($no: Boolean!) { leaf @include(if: $no) { name } }", {"no": False}) == 0


@pytest.mark.parametrize("build", [auth_schema, account_schema, transaction_schema])
def test_each_list_of_objects_in_the_services_has_a_declared_size(build: Callable[[], SubgraphSchema]) -> None:
    """A list without a size would count as a full page, which is a guess."""
    schema = build().graphql
    fields = {
        f"{type_.name}.{name}": field
        for type_ in schema.type_map.values()
        if is_object_type(type_) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        if is_composite_type(get_named_type(field.type))
    }
    sizes = {name: size for name, field in fields.items() if (size := directives_of(field).list_size) is not None}
    sized = {
        f"{get_named_type(fields[name].type).name}.{of}"
        for name, size in sizes.items()
        for of in size.sized_fields or ()
    }
    lists = {name for name, field in fields.items() if is_list_type(get_nullable_type(field.type))}
    assert lists - sized - sizes.keys() == {"Query._entities"}
