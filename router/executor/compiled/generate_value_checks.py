"""Generate checks for the values that the decoder does not check: values of `Float` and of custom scalars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import get_named_type, is_list_type

from router.executor.compiled.response_shape import without_non_null

if TYPE_CHECKING:
    from graphql import GraphQLOutputType


def value_checks(value: str, type_: GraphQLOutputType, depth: int) -> list[str]:
    """Return the lines that check the value `value`, whose type is `Float`, a custom scalar, or a list of these.

    `depth` is the number of lists around the value.
    """
    nullable = without_non_null(type_)
    may_be_null = nullable is type_
    if is_list_type(nullable):
        item = f"value{depth}"
        inner = value_checks(item, nullable.of_type, depth + 1)
        loop = [f"if {value}:", f"    for {item} in {value}:", *(f"        {line}" for line in inner)]
        return loop if inner else []
    if get_named_type(nullable).name == "Float":
        unless_null = f"{value} is not None and " if may_be_null else ""
        return misfit(f"{unless_null}type({value}) is not Decimal and type({value}) is not int")
    return [] if may_be_null else misfit(f"{value} is None")


def misfit(condition: str) -> list[str]:
    """Return the lines that raise `Misfit` if `condition` is true."""
    return [f"if {condition}:", '    raise Misfit("a value does not fit its type")']
