"""An argument in a plan does not keep the tokens of the client's document in memory."""

from __future__ import annotations

from graphql import ArgumentNode, FieldNode, Node, OperationDefinitionNode, parse, print_ast
from graphql.language import Visitor, visit

from router.planner.normalise.argument_without_location import without_location


class _Locations(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []

    def enter(self, node: Node, *_rest: object) -> None:
        if node.loc is not None:
            self.found.append(node)


def argument(text: str, *, no_location: bool = False) -> ArgumentNode:
    definition = parse(f"{{ f({text}) }}", no_location=no_location).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    field = definition.selection_set.selections[0]
    assert isinstance(field, FieldNode)
    (one,) = field.arguments or ()
    return one


def test_no_node_of_the_copy_has_a_location() -> None:
    one = argument('a: {b: [$c, 1, 2.5, "text", """block"""], d: {e: ENUM, f: true, g: null}}')
    copy = without_location(one)
    locations = _Locations()
    visit(copy, locations)
    assert locations.found == []
    assert print_ast(copy) == print_ast(one)


def test_an_argument_without_location_is_not_copied() -> None:
    one = argument("a: 1", no_location=True)
    assert without_location(one) is one
