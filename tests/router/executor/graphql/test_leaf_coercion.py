from __future__ import annotations

from decimal import Decimal

import pytest
from graphql import GraphQLFloat, GraphQLID, GraphQLInt

from router.executor.graphql.leaf_coercion import LeafCoercionError, coerce_leaf


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1.5", True])
def test_a_float_is_a_finite_number(value: object) -> None:
    with pytest.raises(LeafCoercionError):
        coerce_leaf(GraphQLFloat, value)


@pytest.mark.parametrize("value", [Decimal("1.0"), Decimal("1E+3"), -0.0, 2147483647.0])
def test_a_number_without_a_fraction_is_an_int(value: Decimal | float) -> None:
    """Was: refused. The specification lets a number pass that loses nothing."""
    coerced = coerce_leaf(GraphQLInt, value)
    assert (coerced, type(coerced)) == (int(value), int)


@pytest.mark.parametrize("value", [Decimal("1.5"), Decimal("2147483648.0"), Decimal("1E+99999999"), float("nan"), True])
def test_a_number_with_a_fraction_or_beyond_32_bits_is_no_int(value: object) -> None:
    with pytest.raises(LeafCoercionError):
        coerce_leaf(GraphQLInt, value)


def test_an_id_is_a_text_or_an_integer() -> None:
    assert [coerce_leaf(GraphQLID, value) for value in ("a", 7, Decimal("7.0"), 10**50)] == ["a", "7", "7", str(10**50)]
    wrong: tuple[object, ...] = (Decimal("7.5"), Decimal("1E+99999999"), True, [], {})
    for value in wrong:
        with pytest.raises(LeafCoercionError):
            coerce_leaf(GraphQLID, value)
