"""The router reads the types of objects although the client gives the key `__typename` to another field."""

from __future__ import annotations

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse

from router.plan.client_and_internal_response_keys import client_key, internal_key, to_client_key


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
    assert internal_key(node) == inner
    assert to_client_key(internal_key(node)) == client_key(node)


def test_indices_of_a_path_stay() -> None:
    assert to_client_key(3) == 3
