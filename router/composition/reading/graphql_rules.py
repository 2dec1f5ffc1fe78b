"""GraphQL's own rules on a subgraph's schema → INVALID_GRAPHQL.

graphql-core brings the rules. Three things differ from a stand-alone service: an `extend type` without a base is a
definition in a subgraph, a query root is not needed (the supergraph needs one), and the definitions of the linked
specifications are there without being written. Those are the same for thousands of schemas, so they are built once
and the subgraph's own document is checked as an extension of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, extend_schema, validate_schema, value_from_ast
from graphql.language import (
    DefinitionNode,
    DocumentNode,
    ListValueNode,
    NamedTypeNode,
    NullValueNode,
    ObjectValueNode,
    ParallelVisitor,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.pyutils import Undefined
from graphql.type import GraphQLOneOfDirective, is_input_object_type, is_list_type, is_non_null_type
from graphql.validation import SDLValidationContext
from graphql.validation.specified_rules import specified_sdl_rules

from router.composition.model import BUILT_IN_SCALARS
from router.composition.reading.subgraph_document import DEFINITION_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from graphql.language import ValueNode
    from graphql.type import GraphQLInputType

    from router.composition.model import Applied
    from router.composition.report import Report

_Named = TypeVar("_Named", NamedTypeNode, TypeDefinitionNode, TypeExtensionNode)

# What graphql-core reports and a subgraph may do: have no query root, and what only newer editions of the GraphQL
# specification forbid, for which no federation composition or server refuses a schema yet.
_PERMITTED = (
    re.compile(r"Query root type must be provided\."),
    re.compile(r"Interface field \S+ is not deprecated, so implementation field \S+ must not be deprecated\."),
    re.compile(r"\S+ has invalid default value.*: Expected value of type '\S+' to include required field.*", re.DOTALL),
)
# As in graphql-core's validation of operations: nobody reads more, and each costs a search for similar names.
_MAX_PROBLEMS = 100
# Behind the name of a subgraph's type that is called like a built-in scalar; no type is called so.
_OWN = "__own"
# A process composes schemas of a handful of versions and import lists; each entry is a few hundred kilobytes.
_CACHED_BASES = 64


def check_graphql(
    subgraph: str, own: Sequence[DefinitionNode], added: Sequence[DefinitionNode], report: Report
) -> GraphQLSchema | None:
    """Check `own` definitions in the presence of `added` ones; the schema of both, or None if anything was reported."""
    base = _base(_Identical(tuple(added)))
    document = _renamed(DocumentNode(definitions=_extensions_as_definitions(own)))
    problems = _document_problems(document, base)
    schema = None
    if not problems:
        try:
            schema = extend_schema(base, document, assume_valid_sdl=True)
            problems = [problem for problem in validate_schema(schema) if not _is_permitted(problem)]
        except (GraphQLError, TypeError, ValueError) as error:
            # Names such as `__x` are refused by constructors before validation can name them, and validation itself
            # gives up on the default value of an argument whose type is no input type.
            problems = [error if isinstance(error, GraphQLError) else GraphQLError(str(error))]
    for problem in problems:
        report.error(
            "INVALID_GRAPHQL",
            f"[{subgraph}] {problem.message.replace(_OWN, '')}",
            [(subgraph, node) for node in problem.nodes or ()],
        )
    return None if problems else schema


class _EnoughProblems(Exception):
    """As many were found as are told."""


def _document_problems(document: DocumentNode, base: GraphQLSchema) -> list[GraphQLError]:
    problems: list[GraphQLError] = []

    def note(problem: GraphQLError) -> None:
        problems.append(problem)
        if len(problems) == _MAX_PROBLEMS:
            raise _EnoughProblems

    context = SDLValidationContext(document, base, note)
    try:
        visit(document, ParallelVisitor([rule(context) for rule in specified_sdl_rules]))
    except _EnoughProblems:
        problems.append(GraphQLError(f"There are more problems; these are the first {_MAX_PROBLEMS}."))
    return problems


@dataclass(frozen=True, slots=True, eq=False)
class _Identical:
    """Nodes compared by identity: definitions of specifications are made once, and comparing trees costs more."""

    nodes: tuple[DefinitionNode, ...]

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.nodes)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Identical)
            and len(self.nodes) == len(other.nodes)
            and all(one is another for one, another in zip(self.nodes, other.nodes, strict=True))
        )


@lru_cache(_CACHED_BASES)
def _base(definitions: _Identical) -> GraphQLSchema:
    """The schema of the specifications' definitions.

    Without `@oneOf`: composition has no rule to merge it, so a subgraph that uses it must define and compose it.
    """
    schema = build_ast_schema(DocumentNode(definitions=definitions.nodes), assume_valid_sdl=True)
    arguments = schema.to_kwargs()
    arguments["directives"] = tuple(each for each in schema.directives if each is not GraphQLOneOfDirective)
    return GraphQLSchema(**arguments)


def check_argument_values(
    subgraph: str, schema: GraphQLSchema, applications: Iterable[Applied], report: Report
) -> None:
    """Values of directive arguments fit the definition; graphql-core's rules on SDL check only their presence.

    Custom scalars take anything: what a `FieldSet` may hold has its own error codes. Like Apollo's composition, this
    does not ask for required input fields that are not given.
    """
    for applied in applications:
        definition = schema.get_directive(applied.name)
        if definition is None or applied.node is None:
            continue
        for argument in applied.node.arguments or ():
            expected = definition.args.get(argument.name.value)
            if expected is not None and not _fits(argument.value, expected.type):
                report.error(
                    "INVALID_GRAPHQL",
                    f"[{subgraph}] Invalid value for argument {argument.name.value} of @{applied.name}: "
                    f"{print_ast(argument.value)} is no {expected.type}.",
                    [(subgraph, applied.node)],
                )


def _fits(value: ValueNode, expected: GraphQLInputType) -> bool:
    if is_non_null_type(expected):
        return not isinstance(value, NullValueNode) and _fits(value, expected.of_type)
    if is_list_type(expected) and not isinstance(value, NullValueNode):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return all(_fits(item, expected.of_type) for item in items)
    if is_input_object_type(expected) and isinstance(value, ObjectValueNode):
        given = ((expected.fields.get(field.name.value), field.value) for field in value.fields)
        return all(field is not None and _fits(part, field.type) for field, part in given)
    return value_from_ast(value, expected) is not Undefined


def _is_permitted(problem: GraphQLError) -> bool:
    return any(pattern.fullmatch(problem.message) for pattern in _PERMITTED)


def _renamed(document: DocumentNode) -> DocumentNode:
    """Types of the subgraph that are called like built-in scalars under other names.

    graphql-core has the scalars in their place whatever a document says, and so does not check such types. That they
    clash is for the merge to say.
    """
    names = {node.name.value for node in document.definitions if isinstance(node, TypeDefinitionNode)}
    clashing = names & BUILT_IN_SCALARS
    return visit(document, _Rename(clashing)) if clashing else document


class _Rename(Visitor):
    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self._names = names

    def enter_named_type(self, node: NamedTypeNode, *_: object) -> NamedTypeNode | None:
        return self._other(node)

    def leave_object_type_definition(self, node: TypeDefinitionNode, *_: object) -> TypeDefinitionNode | None:
        return self._other(node)

    leave_interface_type_definition = leave_union_type_definition = leave_object_type_definition
    leave_enum_type_definition = leave_input_object_type_definition = leave_object_type_definition

    def leave_object_type_extension(self, node: TypeExtensionNode, *_: object) -> TypeExtensionNode | None:
        return self._other(node)

    leave_interface_type_extension = leave_union_type_extension = leave_object_type_extension
    leave_enum_type_extension = leave_input_object_type_extension = leave_object_type_extension

    def _other(self, node: _Named) -> _Named | None:
        if node.name.value not in self._names:
            return None
        return replace(node, name=replace(node.name, value=f"{node.name.value}{_OWN}"))


def _extensions_as_definitions(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    """Turn the first extension of a type without definition into one, so that rules see an ordinary schema."""
    return tuple(_each_as_definition(definitions))


def _each_as_definition(definitions: Sequence[DefinitionNode]) -> Iterator[DefinitionNode]:
    defined = {node.name.value for node in definitions if isinstance(node, TypeDefinitionNode)}
    has_schema = any(isinstance(node, SchemaDefinitionNode) for node in definitions)
    for node in definitions:
        if isinstance(node, TypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            yield _as_definition(node)
        elif isinstance(node, SchemaExtensionNode) and not has_schema and node.operation_types:
            has_schema = True
            yield SchemaDefinitionNode(directives=node.directives, operation_types=node.operation_types, loc=node.loc)
        else:
            yield node


def _as_definition(node: TypeExtensionNode) -> TypeDefinitionNode:
    kind = DEFINITION_OF[type(node)]
    parts = {key: getattr(node, key) for key in node.keys if key in kind.keys and key != "loc"}
    return kind(**parts, loc=node.loc)
