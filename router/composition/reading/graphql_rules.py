"""GraphQL's own rules on a completed subgraph schema → INVALID_GRAPHQL.

graphql-core brings the rules. Two things differ from a stand-alone service: an `extend type` without a base is a
definition in a subgraph, and a query root is not needed (the supergraph needs one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError, build_ast_schema, validate_schema, value_from_ast
from graphql.language import (
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.pyutils import Undefined
from graphql.validation.validate import validate_sdl

from router.composition.reading.document import DEFINITION_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema

    from router.composition.report import Report

# What graphql-core says when there is no query root; matched whole, so that a change of wording shows up in a test.
_NO_QUERY_ROOT = "Query root type must be provided."


def check_graphql(subgraph: str, definitions: Sequence[DefinitionNode], report: Report) -> bool:
    """Report every violation as INVALID_GRAPHQL; False if there was one."""
    document = DocumentNode(definitions=_extensions_as_definitions(definitions))
    problems = list(validate_sdl(document))
    if not problems:
        problems = _schema_problems(document)
    for problem in problems:
        places = [(subgraph, node) for node in problem.nodes or ()]
        report.error("INVALID_GRAPHQL", f"[{subgraph}] {problem.message}", places)
    return not problems


def _schema_problems(document: DocumentNode) -> list[GraphQLError]:
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError, ValueError) as error:
        # Names such as `__x` or a bad default are refused by constructors before validation can name them.
        return [error if isinstance(error, GraphQLError) else GraphQLError(str(error))]
    problems = [problem for problem in validate_schema(schema) if problem.message != _NO_QUERY_ROOT]
    checker = _ArgumentValues(schema)
    visit(document, checker)
    return problems + checker.problems


class _ArgumentValues(Visitor):
    """Values of directive arguments in the schema fit the definition; graphql-core checks only their presence.

    Custom scalars take anything: what a `FieldSet` may hold has its own error codes.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self.schema = schema
        self.problems: list[GraphQLError] = []

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        definition = self.schema.get_directive(node.name.value)
        if definition is None:
            return
        for argument in node.arguments or ():
            expected = definition.args.get(argument.name.value)
            if expected is not None and value_from_ast(argument.value, expected.type) is Undefined:
                self.problems.append(
                    GraphQLError(
                        f"Invalid value for argument {argument.name.value} of @{node.name.value}: "
                        f"{print_ast(argument.value)} is no {expected.type}.",
                        argument,
                    )
                )


def _extensions_as_definitions(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    """Turn the first extension of a type without definition into one, so that rules see an ordinary schema."""
    defined = {node.name.value for node in definitions if isinstance(node, TypeDefinitionNode)}
    has_schema = any(isinstance(node, SchemaDefinitionNode) for node in definitions)
    result: list[DefinitionNode] = []
    for node in definitions:
        if isinstance(node, TypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            result.append(_as_definition(node))
        elif isinstance(node, SchemaExtensionNode) and not has_schema and node.operation_types:
            has_schema = True
            result.append(
                SchemaDefinitionNode(directives=node.directives, operation_types=node.operation_types, loc=node.loc)
            )
        else:
            result.append(node)
    return tuple(result)


def _as_definition(node: TypeExtensionNode) -> TypeDefinitionNode:
    kind = DEFINITION_OF[type(node)]
    parts = {key: getattr(node, key) for key in node.keys if key in kind.keys and key != "loc"}
    return kind(**parts, loc=node.loc)
