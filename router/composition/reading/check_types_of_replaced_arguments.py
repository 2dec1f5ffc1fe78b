"""Check the earlier definitions of an argument that a subgraph defines more than once.

Composition uses the last definition of the argument. Later steps do not see the earlier definitions, so their types are
checked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import InterfaceTypeDefinitionNode, ObjectTypeDefinitionNode, UnionTypeDefinitionNode

from router.composition.type_refs import base_name, from_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql.language import DefinitionNode, InputValueDefinitionNode

    from router.composition.report import Report


def check_types_of_replaced_arguments(
    subgraph: str, replaced: Iterable[InputValueDefinitionNode], definitions: Sequence[DefinitionNode], report: Report
) -> None:
    """Report INVALID_GRAPHQL for each definition in `replaced` whose type is an object, interface or union type.

    `replaced` are the earlier definitions of arguments, which a later definition of the same argument replaces.
    """
    if not replaced:
        return
    output_types = {
        node.name.value
        for node in definitions
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode)
    }
    for argument in replaced:
        name = base_name(from_node(argument.type))
        if name in output_types:
            report.error(
                "INVALID_GRAPHQL",
                f"[{subgraph}] The argument {argument.name.value} has the type {name}, which is not an input type.",
                [(subgraph, argument)],
            )
