"""The router knows the types of objects, whichever field the client gives the key `__typename`."""

from __future__ import annotations

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse

from router.plan.response_keys import as_client_says, client_key, inner_key


def field(text: str) -> FieldNode:
    operation = parse(f"{{ {text} }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    return node


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("name", "name"),
        ("n: name", "n"),
        ("__typename", "__typename"),
        ("t: __typename", "t"),
        ("__typename: __typename", "__typename"),
        ("__typename: name", "___typename"),
        ("___typename: name", "____typename"),
        ("___typename: __typename", "____typename"),
        ("_typename: name", "_typename"),
        ("__typenames: name", "__typenames"),
    ],
)
def test_only_the_type_is_kept_under_typename_and_the_clients_key_comes_back(text: str, inner: str) -> None:
    node = field(text)
    assert inner_key(node) == inner
    assert as_client_says(inner_key(node)) == client_key(node)


def test_indices_of_a_path_stay() -> None:
    assert as_client_says(3) == 3
