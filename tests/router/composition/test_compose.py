"""Compose subgraphs from their texts.

Covers `router/composition/pipeline.py` and `router/composition/__init__.py`.
"""

from __future__ import annotations

from router.composition import Subgraph, compose
from router.composition.pipeline import read_valid
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable"])\n'
USERS = Subgraph(
    "users", "http://users.test", LINK + 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }'
)
POSTS = Subgraph("posts", "http://posts.test", LINK + 'type User @key(fields: "id") { id: ID! posts: [String!] }')


def test_entities_of_two_subgraphs_compose() -> None:
    composition = compose([USERS, POSTS])
    assert composition.errors == ()
    assert composition.supergraph_sdl is not None
    assert (
        'type User\n  @join__type(graph: POSTS, key: "id")\n  @join__type(graph: USERS, key: "id")'
        in composition.supergraph_sdl
    )


def test_the_order_of_subgraphs_does_not_matter() -> None:
    assert compose([USERS, POSTS]) == compose([POSTS, USERS])


def test_errors_have_code_and_location() -> None:
    broken = Subgraph("users", "", LINK + 'type Query { me: User }\ntype User @key(fields: "uuid") { id: ID! }')
    (error,) = compose([broken]).errors
    assert error.code == "KEY_INVALID_FIELDS"
    assert [str(location) for location in error.locations] == ["users:3:11"]


def test_list_sizes_are_checked_whichever_specification_they_come_from() -> None:
    sdl = """
    extend schema
      @link(url: "https://specs.apollo.dev/federation/v2.14")
      @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@listSize"])
    type Query { names: [String] @listSize(assumedSize: -1, slicingArguments: ["first"]) }
    """
    codes = {error.code for error in compose([Subgraph("names", "http://names.test", sdl)]).errors}
    assert codes == {"LIST_SIZE_INVALID_ASSUMED_SIZE", "LIST_SIZE_INVALID_SLICING_ARGUMENT"}


def test_a_composition_that_fails_has_no_hints() -> None:
    """Apollo's composition reports no hints beside errors."""
    described = Subgraph("users", USERS.url, USERS.sdl.replace("type User", '"A person." type User'))
    other = Subgraph("posts", POSTS.url, POSTS.sdl.replace("type User", '"An author." type User'))
    assert {hint.code for hint in compose([described, other]).hints} == {"INCONSISTENT_DESCRIPTION"}
    shared = Subgraph("posts", POSTS.url, other.sdl.replace("posts: [String!]", "name: String"))
    failed = compose([described, shared])
    assert [error.code for error in failed.errors] == ["INVALID_FIELD_SHARING"]
    assert failed.hints == ()


def test_subgraphs_that_were_read_before_are_composed_alike() -> None:
    for seed in range(40):
        subgraphs = subgraph_set(SeededChoices(41_000 + seed))
        assert compose(subgraphs, read_valid(subgraphs)) == compose(subgraphs)


def test_only_subgraphs_without_errors_and_hints_are_read_before() -> None:
    valid = Subgraph("a", "", f"{LINK}type Query {{ a: Int }}")
    wrong = Subgraph("b", "", f"{LINK}type Query {{ a: Unknown }}")
    assert list(read_valid([valid, wrong])) == [valid]
