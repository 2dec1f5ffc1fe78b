from __future__ import annotations

import pytest
from graphql import GraphQLFloat

from router.executor.graphql.leaf_coercion import LeafCoercionError, coerce_leaf


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1.5", True])
def test_a_float_is_a_finite_number(value: object) -> None:
    with pytest.raises(LeafCoercionError):
        coerce_leaf(GraphQLFloat, value)
