"""Types as the text writes them."""

from __future__ import annotations

import pytest
from graphql import parse_type

from router.federation.find_type_name_in_reference import named_type
from router.schema_check.lint.list_and_nullable_types import has_nullable_items, is_list


@pytest.mark.parametrize(
    ("written", "is_a_list", "nullable_items"),
    [
        ("Int", False, False),
        ("Int!", False, False),
        ("[Int]", True, True),
        ("[Int!]", True, False),
        ("[Int]!", True, True),
        ("[[Int!]]!", True, True),
        ("[[Int]!]!", True, True),
        ("[[Int!]!]", True, False),
    ],
)
def test_lists_and_their_items(written: str, is_a_list: bool, nullable_items: bool) -> None:  # noqa: FBT001
    node = parse_type(written)
    assert named_type(node) == "Int"
    assert is_list(node) is is_a_list
    assert has_nullable_items(node) is nullable_items
