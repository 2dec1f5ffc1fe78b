"""Check a subgraph's own definitions and extensions of the types of the subgraph specification, such as `_Any`.

These types are not part of the schema that composition builds, so `check_graphql` does not check them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import (
    DocumentNode,
    ParallelVisitor,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    visit,
)
from graphql.validation import (
    KnownDirectivesRule,
    KnownTypeNamesRule,
    SDLValidationContext,
    UniqueArgumentNamesRule,
    UniqueDirectivesPerLocationRule,
)
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import ProvidedRequiredArgumentsOnDirectivesRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError, GraphQLSchema
    from graphql.language import TypeDefinitionNode, TypeExtensionNode

    from router.composition.error_codes import ErrorCode
    from router.composition.report import Report

_RULES = (
    KnownTypeNamesRule,
    KnownDirectivesRule,
    UniqueDirectivesPerLocationRule,
    KnownArgumentNamesOnDirectivesRule,
    UniqueArgumentNamesRule,
    ProvidedRequiredArgumentsOnDirectivesRule,
)


def check_field_set_type(
    subgraph: str, types: Sequence[TypeDefinitionNode | TypeExtensionNode], report: Report
) -> None:
    """Report each `_FieldSet` that is not a scalar: TYPE_DEFINITION_INVALID."""
    _check_scalars(subgraph, "_FieldSet", types, "TYPE_DEFINITION_INVALID", report)


def check_spec_types(
    subgraph: str, types: Sequence[TypeDefinitionNode | TypeExtensionNode], schema: GraphQLSchema, report: Report
) -> None:
    """Report INVALID_GRAPHQL for each `_Any` that is not a scalar, and for unknown types and wrong directives.

    `schema` defines the directives.
    """
    _check_scalars(subgraph, "_Any", types, "INVALID_GRAPHQL", report)
    problems: list[GraphQLError] = []
    document = DocumentNode(definitions=tuple(types))
    context = SDLValidationContext(document, schema, problems.append)
    visit(document, ParallelVisitor([rule(context) for rule in _RULES]))
    for problem in problems:
        places = [(subgraph, node) for node in problem.nodes or ()]
        report.error("INVALID_GRAPHQL", f"[{subgraph}] {problem.message}", places)


def _check_scalars(
    subgraph: str,
    name: str,
    types: Sequence[TypeDefinitionNode | TypeExtensionNode],
    code: ErrorCode,
    report: Report,
) -> None:
    for node in types:
        if node.name.value == name and not isinstance(node, ScalarTypeDefinitionNode | ScalarTypeExtensionNode):
            report.error(code, f"[{subgraph}] {name} must be a scalar.", [(subgraph, node)])
