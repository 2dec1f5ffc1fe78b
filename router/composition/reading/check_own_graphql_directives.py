"""Check the uses of `@deprecated` and `@specifiedBy` against a subgraph's own definitions of these directives.

Servers print these definitions. Composition drops them, because GraphQL itself defines both directives. But a
subgraph's definition can allow less than GraphQL does, and the subgraph must keep to its own definition. Example:
`directive @deprecated on FIELD_DEFINITION` forbids `@deprecated` on an input field of this subgraph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql.language import DirectiveDefinitionNode, DocumentNode, ParallelVisitor, visit
from graphql.validation import KnownDirectivesRule, SDLValidationContext
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import ProvidedRequiredArgumentsOnDirectivesRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError
    from graphql.language import DefinitionNode

    from router.composition.report import Report

_DIRECTIVES: Final = frozenset({"deprecated", "specifiedBy"})
_RULES: Final = (KnownDirectivesRule, KnownArgumentNamesOnDirectivesRule, ProvidedRequiredArgumentsOnDirectivesRule)


def own_graphql_directives(definitions: Sequence[DefinitionNode]) -> tuple[DirectiveDefinitionNode, ...]:
    """Return the subgraph's definitions of `@deprecated` and `@specifiedBy`."""
    return tuple(
        node for node in definitions if isinstance(node, DirectiveDefinitionNode) and node.name.value in _DIRECTIVES
    )


def check_own_graphql_directives(
    subgraph: str, own: Sequence[DirectiveDefinitionNode], definitions: Sequence[DefinitionNode], report: Report
) -> None:
    """Report INVALID_GRAPHQL for each use of a directive that the directive's definition in `own` does not allow.

    See composition §4.1.
    """
    if not own:
        return
    problems: list[GraphQLError] = []
    document = DocumentNode(definitions=(*own, *definitions))
    context = SDLValidationContext(document, None, problems.append)
    visit(document, ParallelVisitor([rule(context) for rule in _RULES]))
    names = [f"@{node.name.value}{end}" for node in own for end in ("'", "(")]
    for problem in problems:
        if any(f"'{name}" in problem.message for name in names):
            places = [(subgraph, node) for node in problem.nodes or ()]
            report.error("INVALID_GRAPHQL", f"[{subgraph}] {problem.message}", places)
