"""Argument values are written as by graphql-core's printer and `strip_ignored_characters`."""

from __future__ import annotations

import pytest
from graphql import ArgumentNode, FieldNode, OperationDefinitionNode, parse, print_ast, strip_ignored_characters

from router.planner.normalise.argument_text import argument_text, variables_in

VALUES = (
    "1",
    "-1.5e3",
    "[1, 2, -3]",
    '["a", "b", """block "quoted" text"""]',
    r'"escaped \" \u00e9 \n"',
    "[$v, $w, {a: 1, b: $v}, null, RED, true, false, {}]",
    "[[], [[1] -2], {a: {b: [$deep]}}]",
)


def argument_of(value: str) -> ArgumentNode:
    operation = parse(f"{{ f(x: {value}) }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    (argument,) = node.arguments or ()
    return argument


@pytest.mark.parametrize("value", VALUES)
def test_the_text_is_the_printed_value_without_what_is_ignored(value: str) -> None:
    argument = argument_of(value)
    assert argument_text(argument) == strip_ignored_characters(print_ast(argument))


def test_variables_are_found_at_any_depth() -> None:
    assert list(variables_in(argument_of(VALUES[-2]).value)) == ["v", "w", "v"]
    assert list(variables_in(argument_of(VALUES[-1]).value)) == ["deep"]
