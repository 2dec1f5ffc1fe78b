"""Covers `complete_subtree` of `router/executor/graphql/completion.py`: parts are compared with the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import FieldNode, GraphQLObjectType, SelectionSetNode, build_schema, get_named_type, parse

from router.errors import ResponseError
from router.executor.errors.unavailable_values import UnavailableValues
from router.executor.graphql.completion import FailureEffects, Subtree, complete, complete_subtree
from router.get_operation import get_operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.errors import ResponsePath
    from router.executor.context_and_result import ExecutionResult
    from router.get_operation import PreparedOperation

SCHEMA = build_schema("""
  type Query { users: [User] owner: User grid: [[User]] }
  type User { name: String email: String! rating: Int best: User friends: [User!] }
""")
QUERY = "{ users { name email best { email } friends { name email } } owner { other: rating name } grid { name } }"
RAW: dict[str, object] = {
    "users": [
        {"name": "a", "email": "a@x", "best": {"email": None}, "friends": [{"name": "b", "email": "b@x"}]},
        None,
        {"name": 1, "email": "c@x", "best": {"email": "d@x"}, "friends": [{"name": "e"}, {"name": "f", "email": "f"}]},
        {"name": "g"},
    ],
    "owner": {"other": None, "name": "h"},
    "grid": [[{"name": "i"}, {"name": None}], None, [{}]],
}
ERRORS = (
    ResponseError(message="no name", path=("grid", 0, 1, "name")),
    ResponseError(message="no rating", path=("owner", "other")),
    ResponseError(message="down", path=("users", 3)),
    ResponseError(message="somewhere"),
)


def operation() -> PreparedOperation:
    return get_operation(SCHEMA, parse(QUERY))


def subtrees(of: Subtree) -> Iterator[Subtree]:
    """Yield the part and all parts below the part."""
    yield of
    (selection_set,) = of.selections
    for node in selection_set.selections:
        assert isinstance(node, FieldNode)
        key = node.alias.value if node.alias else node.name.value
        parent = SCHEMA.type_map[of.typename]
        assert isinstance(parent, GraphQLObjectType)
        if node.selection_set is not None:
            typename = get_named_type(parent.fields[node.name.value].type).name
            yield from _below(node.selection_set, typename, of.value.get(key), (*of.path, key))


def _below(selection_set: SelectionSetNode, typename: str, value: object, path: ResponsePath) -> Iterator[Subtree]:
    if isinstance(value, dict):
        yield from subtrees(Subtree((selection_set,), typename, value, path))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(selection_set, typename, item, (*path, index))


def whole() -> Subtree:
    return Subtree((operation().definition.selection_set,), "Query", RAW)


def at(result: ExecutionResult, path: ResponsePath) -> object:
    """Return the value of a response at a path; None if a value on the path is null."""
    value: object = result.data
    for segment in path:
        if value is None:
            return None
        assert isinstance(value, (dict, list))
        value = value[segment]  # type: ignore[index]  # a path of the tree
    return value


@pytest.mark.parametrize("part", list(subtrees(whole())), ids=lambda part: ".".join(map(str, part.path)) or "root")
def test_a_part_is_completed_as_in_the_whole(part: Subtree) -> None:
    complete_response = complete(operation(), {}, RAW, ERRORS)
    alone = complete_subtree(operation(), {}, part, ERRORS)
    is_nulled_above = part.path[:-1] == ("users", 2, "friends")
    if not is_nulled_above:
        assert alone.data == at(complete_response, part.path)
    expected = [error for error in complete_response.errors if (error.path or part.path)[: len(part.path)] == part.path]
    if is_nulled_above:
        expected = [error for error in expected if error.path is None or error.path[3] == part.path[3]]
    assert list(alone.errors) == expected


def test_an_error_above_explains_the_nulls_of_a_part_and_is_not_reported_again() -> None:
    (selected,) = (part.selections for part in subtrees(whole()) if part.path == ("users", 3))
    down = ResponseError(message="down", path=("users",))
    result = complete_subtree(operation(), {}, Subtree(selected, "User", {"name": "g"}, ("users", 3)), [down])
    assert (result.data, result.errors) == (None, ())


def test_unavailable_values_of_an_object_around_reach_its_parts() -> None:
    """The owner's fetch fails, but another fetch returns the owner, so the part of the owner is completed later."""
    unavailable = UnavailableValues()
    unavailable.add([("owner",)], {"other": {}})
    effects = FailureEffects((), unavailable)
    primary = get_operation(SCHEMA, parse("{ owner { name } }"))
    value: dict[str, object] = {"name": "h"}
    complete(primary, {}, {"owner": value}, (), effects)
    (selected,) = (part.selections for part in subtrees(whole()) if part.path == ("owner",))
    result = complete_subtree(operation(), {}, Subtree(selected, "User", value, ("owner",)), (), effects)
    assert result.data == {"other": None, "name": "h"}
    assert [(error.path, error.code) for error in result.errors] == [(("owner", "other"), "REQUIRED_VALUE_UNKNOWN")]
