from __future__ import annotations

from decimal import Decimal

import pytest

from router.plan import Flatten, InputField, InputFragment, Key, Sequence
from tests.router.executor.harness import Scripted, completed, responds, run
from tests.router.plan.fetches import fetch

LEAVES = """
  scalar Anything
  enum Colour { RED GREEN }
  type Query { int: Int float: Float string: String boolean: Boolean id: ID colour: Colour any: Anything }
"""


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("int", 2147483647, 2147483647),
        ("float", 3, 3),
        ("float", Decimal("1.10"), Decimal("1.10")),
        ("string", "", ""),
        ("boolean", False, False),
        ("id", "7", "7"),
        ("id", 7, "7"),
        ("colour", "RED", "RED"),
        (
            "any",
            {"deep": [Decimal("0.1000000000000000055"), 2**80, None]},
            {"deep": [Decimal("0.1000000000000000055"), 2**80, None]},
        ),
    ],
)
async def test_a_leaf_of_its_type_is_kept(field: str, raw: object, value: object) -> None:
    result = await completed(LEAVES, f"{{ {field} }}", {field: raw})
    assert result.errors == ()
    assert result.data == {field: value}


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("int", 2147483648),
        ("int", True),
        ("int", "1"),
        ("int", Decimal("1.5")),
        ("float", "1.5"),
        ("string", 1),
        ("boolean", "true"),
        ("id", True),
        ("id", {}),
        ("colour", "BLUE"),
        ("colour", 1),
        ("colour", ["RED"]),
    ],
)
async def test_a_leaf_of_another_shape_is_null_with_an_error(field: str, raw: object) -> None:
    result = await completed(LEAVES, f"{{ {field} }}", {field: raw})
    assert result.data == {field: None}
    assert [(error.path, error.code, error.origin) for error in result.errors] == [
        ((field,), "RESPONSE_VALIDATION_FAILED", None)
    ]


NESTED = """
  type Query { users: [User]! owner: User! maybe: User strict: [User!] deep: [[User!]]! }
  type User { name: String email: String! best: User! }
"""


@pytest.mark.parametrize(
    ("query", "raw", "data", "paths"),
    [
        ("{maybe{email}}", {"maybe": {"email": None}}, {"maybe": None}, [("maybe", "email")]),
        ("{maybe{email}}", {"maybe": {}}, {"maybe": None}, [("maybe", "email")]),
        ("{maybe{best{email}}}", {"maybe": {"best": {}}}, {"maybe": None}, [("maybe", "best", "email")]),
        ("{users{email}}", {"users": [{"email": "a"}, {}]}, {"users": [{"email": "a"}, None]}, [("users", 1, "email")]),
        ("{strict{email}}", {"strict": [{"email": "a"}, {}]}, {"strict": None}, [("strict", 1, "email")]),
        ("{strict{name}}", {"strict": [None]}, {"strict": None}, [("strict", 0)]),
        ("{strict{name}}", {"strict": [None, None]}, {"strict": None}, [("strict", 0)]),
        ("{deep{name}}", {"deep": [[{"name": "a"}], [None]]}, {"deep": [[{"name": "a"}], None]}, [("deep", 1, 0)]),
        ("{owner{email}}", {"owner": {}}, None, [("owner", "email")]),
        ("{owner{name}}", {}, None, [("owner",)]),
        ("{users{name}}", {"users": {}}, None, [("users",)]),
        ("{maybe{name}}", {"maybe": "x"}, {"maybe": None}, [("maybe",)]),
        ("{maybe{name}}", {"maybe": {}}, {"maybe": {"name": None}}, []),
    ],
)
async def test_null_propagates_to_the_nearest_nullable_position(
    query: str, raw: dict[str, object], data: object, paths: list[tuple[str | int, ...]]
) -> None:
    result = await completed(NESTED, query, raw)
    assert result.data == data
    assert [error.path for error in result.errors] == paths


async def test_a_null_with_an_error_of_the_subgraph_gets_no_second_error() -> None:
    errors: list[dict[str, object]] = [{"message": "gone", "path": ["owner", "best", "email"]}]
    result = await completed(NESTED, "{owner{best{email}}}", None, errors)
    assert result.data is None
    assert [(error.message, error.path) for error in result.errors] == [("gone", ("owner", "best", "email"))]


async def test_another_null_of_the_same_object_gets_its_own_error() -> None:
    errors: list[dict[str, object]] = [{"message": "gone", "path": ["users", 0, "name"]}]
    raw: dict[str, object] = {"users": [{"name": None, "email": "a"}, {"name": "b", "email": None}]}
    result = await completed(NESTED, "{users{name email}}", raw, errors)
    assert result.data == {"users": [{"name": None, "email": "a"}, None]}
    assert [error.path for error in result.errors] == [("users", 0, "name"), ("users", 1, "email")]


async def test_the_path_of_an_error_at_an_internal_field_ends_at_the_selected_object() -> None:
    schema = "type Query { user: User } type User { name: String secretKey: ID }"
    first = fetch(0, "one", "{user{__typename secretKey}}", "query")
    needs = (InputFragment("User", (InputField("__typename"), InputField("secretKey"))),)
    asked = "query($representations:[_Any!]!){_entities(representations:$representations){...on User{name}}}"
    second = Flatten((Key("user"),), fetch(1, "two", asked, "query", requires=needs, depends_on=(0,)))
    user = {"__typename": "User", "secretKey": None}
    body: dict[str, object] = {"data": {"user": user}, "errors": [{"message": "x", "path": ["user", "secretKey", 1]}]}
    subgraphs = Scripted({"one": responds(body), "two": responds()})
    result = await run(schema, "{user{name}}", Sequence((first, second)), subgraphs)
    assert result.data == {"user": {"name": None}}
    assert [error.path for error in result.errors] == [("user",), ("user", "name")]


async def test_an_error_at_an_internal_field_that_nothing_requires_is_left_out() -> None:
    errors: list[dict[str, object]] = [{"message": "x", "path": ["users", 0, "secretKey", "part"]}]
    result = await completed(NESTED, "{users{name}}", {"users": [{"name": "a", "secretKey": None}]}, errors)
    assert result.errors == ()


@pytest.mark.parametrize(
    ("media", "inputs", "paths"),
    [
        ({"__typename": "Film", "pages": None, "minutes": 90}, (), []),
        ({"__typename": "Book", "pages": None, "minutes": 90}, (), [("media", "pages")]),
        ({"__typename": "Film", "pages": None, "minutes": 90}, ("pages",), [("media",)]),
        ({"__typename": "Film"}, (), [("media",)]),
        (None, (), [("media", "pages")]),
    ],
    ids=["not asked of it", "asked of it", "an input of another fetch", "took the rest along", "took the object along"],
)
async def test_an_error_at_a_field_selected_on_another_type_is_reported_if_a_fetch_requires_it(
    media: dict[str, object] | None, inputs: tuple[str, ...], paths: list[tuple[str, ...]]
) -> None:
    query = "{media{__typename ... on Book{pages} ... on Film{minutes}}}"
    first = fetch(0, "one", query, "query")
    needs = tuple(InputField(name) for name in ("__typename", *inputs))
    asked = "query($representations:[_Any!]!){_entities(representations:$representations){...on Media{kind}}}"
    requires = (InputFragment("Media", needs),)
    second = Flatten((Key("media"),), fetch(1, "two", asked, "query", requires=requires, depends_on=(0,)))
    body: dict[str, object] = {"data": {"media": media}, "errors": [{"message": "x", "path": ["media", "pages"]}]}
    subgraphs = Scripted({"one": responds(body), "two": responds({"data": {"_entities": [{}]}})})
    result = await run(ABSTRACT, query, Sequence((first, second)), subgraphs)
    assert [error.path for error in result.errors] == paths


async def test_an_error_within_a_null_object_keeps_its_path() -> None:
    path: list[object] = ["any", "inner", "text"]
    schema = "type Query { any: Any } union Any = A | B type A { inner: C } type B { b: Int } type C { text: String! }"
    query = "{any{... on A{inner{text}} ... on B{b}}}"
    result = await completed(schema, query, {"any": None}, [{"message": "x", "path": path}])
    assert [error.path for error in result.errors] == [("any", "inner", "text")]


ABSTRACT = """
  type Query { node: Node media: Media any: Any product: Product sole: Lone }
  interface Node { id: ID }
  interface Media implements Node { id: ID title: String kind: String! }
  type Book implements Node & Media & Own { id: ID title: String kind: String! pages: Int }
  type Film implements Node & Media { id: ID title: String kind: String! minutes: Int }
  type Product implements Node { id: ID }
  union Any = Book | Product
  interface Lone { id: ID }
  interface Own { pages: Int }
  type Sole implements Lone { id: ID extra: Int }
"""


@pytest.mark.parametrize(
    ("query", "raw", "data", "paths"),
    [
        (
            "{node{__typename id ... on Media{title} ... on Book{pages} ...F}} fragment F on Film{minutes}",
            {"node": {"__typename": "Book", "id": 1, "title": "t", "pages": 3, "minutes": 9}},
            {"node": {"__typename": "Book", "id": "1", "title": "t", "pages": 3}},
            [],
        ),
        (
            "{any{... on Media{title} __typename}}",
            {"any": {"__typename": "Product"}},
            {"any": {"__typename": "Product"}},
            [],
        ),
        ("{any{__typename}}", {"any": {"__typename": "Film"}}, {"any": None}, [("any",)]),
        ("{node{id}}", {"node": {"__typename": "Hidden", "id": 1}}, {"node": None}, [("node",)]),
        ("{node{id}}", {"node": {"id": 1}}, {"node": None}, [("node",)]),
        ("{product{__typename id}}", {"product": {"id": 1}}, {"product": {"__typename": "Product", "id": "1"}}, []),
        # No subgraph reported the object type of this interface object.
        ("{media{id title}}", {"media": {"__typename": "Media", "id": 1}}, {"media": {"id": "1", "title": None}}, []),
        ("{node{id}}", {"node": {"__typename": "Media", "id": 1}}, {"node": {"id": "1"}}, []),
        ("{media{... on Book{pages} id}}", {"media": {"__typename": "Media", "id": 1}}, {"media": None}, [("media",)]),
        ("{sole{... on Sole{extra}}}", {"sole": {"__typename": "Lone", "extra": 1}}, {"sole": {"extra": 1}}, []),
        ("{media{... on Node{id}}}", {"media": {"__typename": "Media", "id": 1}}, {"media": {"id": "1"}}, []),
        ("{media{... on Own{pages}}}", {"media": {"__typename": "Media", "pages": 1}}, {"media": None}, [("media",)]),
        (
            "{media{id ... on Book{... on Node{... on Film{minutes}}}}}",
            {"media": {"__typename": "Media", "id": 1}},
            {"media": {"id": "1"}},
            [],
        ),
        ("{media{__typename}}", {"media": {"__typename": "Media"}}, {"media": None}, [("media", "__typename")]),
    ],
)
async def test_fragments_follow_the_type_of_the_object(
    query: str, raw: dict[str, object], data: object, paths: list[tuple[str | int, ...]]
) -> None:
    result = await completed(ABSTRACT, query, raw)
    assert result.data == data
    assert [error.path for error in result.errors] == paths


async def test_fields_have_the_order_of_the_operation_and_internal_fields_are_removed() -> None:
    query = (
        "{ b: maybe { name } a: maybe { ...E name } ... on Query { b: maybe { email } } } fragment E on User { email }"
    )
    user = {"email": "e", "name": "n", "__typename": "User", "id": 1}
    result = await completed(NESTED, query, {"a": user, "b": user, "c": 1})
    assert result.data is not None
    assert list(result.data) == ["b", "a"]
    assert [list(value) for value in result.data.values() if isinstance(value, dict)] == [
        ["name", "email"],
        ["email", "name"],
    ]


async def test_the_name_of_the_root_type_needs_no_fetch() -> None:
    result = await run(NESTED, "{ __typename q: __typename }", None, Scripted({}))
    assert result.data == {"__typename": "Query", "q": "Query"}
