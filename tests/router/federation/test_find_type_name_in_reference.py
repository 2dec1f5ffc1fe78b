from __future__ import annotations

import pytest
from graphql import parse_type

from router.federation.find_type_name_in_reference import named_type


@pytest.mark.parametrize("text", ["User", "User!", "[User]", "[[User!]!]!"])
def test_the_name_in_a_type_reference(text: str) -> None:
    assert named_type(parse_type(text)) == "User"
