"""Check that a subgraph's schema follows the rules of the GraphQL specification, and report INVALID_GRAPHQL if not.

graphql-core implements the rules. The schema of a subgraph may differ from the rules in three ways: a type can have an
extension but no definition, the query root can be missing, and a subgraph can use directives of linked specifications
without defining them.

Many subgraphs need the same definitions of specifications. So a base schema that has only these definitions is built
once and cached. The definitions of each subgraph are then checked as an extension of the base schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from graphql import GraphQLError, GraphQLSchema, build_ast_schema, extend_schema, validate_schema, value_from_ast
from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListValueNode,
    NamedTypeNode,
    NullValueNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ObjectValueNode,
    ParallelVisitor,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    Visitor,
    print_ast,
    visit,
)
from graphql.pyutils import Undefined
from graphql.type import GraphQLOneOfDirective, is_input_object_type, is_list_type, is_non_null_type
from graphql.validation import SDLValidationContext
from graphql.validation.specified_rules import specified_sdl_rules

from router.composition.model import BUILT_IN_SCALARS
from router.composition.reading.surely_valid.definitions import are_surely_valid
from router.composition.reading.unknown_directive_advice import advice_on_unknown_directive
from router.federation.rewrite_definitions import without_null_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from graphql.language import ValueNode
    from graphql.type import GraphQLInputType

    from router.composition.model import Applied
    from router.composition.report import Report
    from router.federation.linked_specs import Links

_Named = TypeVar("_Named", NamedTypeNode, TypeDefinitionNode, TypeExtensionNode)

# graphql-core reports these problems, but composition ignores them. The first is ignored because a subgraph needs no
# query root. The second and the third are errors only in newer editions of the GraphQL specification, and other
# federation tools do not report them.
_PERMITTED = (
    re.compile(r"Query root type must be provided\."),
    re.compile(r"Interface field \S+ is not deprecated, so implementation field \S+ must not be deprecated\."),
    re.compile(r"\S+ has invalid default value.*: Expected value of type '\S+' to include required field.*", re.DOTALL),
)
_UNKNOWN_DIRECTIVE = re.compile(r"Unknown directive '@(\w+)'\.")
# The highest number of reported problems. graphql-core has the same limit for operations. Each problem costs time,
# because graphql-core searches for similar names to suggest in the message.
_MAX_PROBLEMS = 100
# If a subgraph defines a type with the name of a built-in scalar, the type gets this suffix: `ID` becomes `ID__own`. No
# real type name ends with the suffix.
_OWN = "__own"
# Pairs of a directive and an argument. `check_argument_values` does not report null for these arguments. The rules for
# field sets report a null field set later. `@deprecated(reason: null)` is valid in the GraphQL specification of October
# 2021.
_NULL_ALLOWED = {("key", "fields"), ("requires", "fields"), ("provides", "fields"), ("deprecated", "reason")}
# The highest number of cached base schemas. Each needs a few hundred kilobytes. Each combination of specification
# versions and imports has its own base schema, and one process sees few combinations.
_CACHED_BASES = 64
_DEFINITION_OF: dict[type[TypeExtensionNode], type[TypeDefinitionNode]] = {
    ObjectTypeExtensionNode: ObjectTypeDefinitionNode,
    InterfaceTypeExtensionNode: InterfaceTypeDefinitionNode,
    UnionTypeExtensionNode: UnionTypeDefinitionNode,
    EnumTypeExtensionNode: EnumTypeDefinitionNode,
    InputObjectTypeExtensionNode: InputObjectTypeDefinitionNode,
    ScalarTypeExtensionNode: ScalarTypeDefinitionNode,
}


def base_of_surely_valid(own: Sequence[DefinitionNode], added: Sequence[DefinitionNode]) -> GraphQLSchema | None:
    """Return the schema built from `added`, if `own` surely follows the rules and defines no directives.

    Otherwise, return None: `own` can be valid or invalid, so `check_graphql` must check it. The package `surely_valid`
    explains "surely".
    """
    base = _base(_Identical(tuple(added)))
    return base if are_surely_valid(_extensions_as_definitions(without_null_reasons(own)), base) else None


def check_graphql(
    subgraph: str, own: Sequence[DefinitionNode], added: Sequence[DefinitionNode], links: Links, report: Report
) -> GraphQLSchema | None:
    """Check the definitions that the subgraph wrote (`own`) together with the definitions added for it (`added`).

    Returns the schema built from `own` and `added`, or None if errors were reported.
    """
    base = _base(_Identical(tuple(added)))
    document = _renamed(DocumentNode(definitions=_extensions_as_definitions(without_null_reasons(own))))
    problems = _document_problems(document, base)
    schema = None
    if not problems:
        try:
            schema = extend_schema(base, document, assume_valid_sdl=True)
            problems = [problem for problem in validate_schema(schema) if not _is_permitted(problem)]
        except (GraphQLError, TypeError, ValueError) as error:
            # graphql-core raises an exception instead of reporting a problem in two cases: a name begins with `__`, or
            # an argument has a default value although its type is not an input type.
            problems = [error if isinstance(error, GraphQLError) else GraphQLError(str(error))]
    for problem in problems:
        report.error(
            "INVALID_GRAPHQL",
            f"[{subgraph}] {problem.message.replace(_OWN, '')}{_advice(problem, links, own)}",
            [(subgraph, node) for node in problem.nodes or ()],
        )
    return None if problems else schema


def _advice(problem: GraphQLError, links: Links, definitions: Sequence[DefinitionNode]) -> str:
    unknown = _UNKNOWN_DIRECTIVE.fullmatch(problem.message)
    if unknown is None:
        return ""
    known = [node.name.value for node in definitions if isinstance(node, DirectiveDefinitionNode)]
    advice = advice_on_unknown_directive(unknown[1], links, known)
    return f" {advice}" if advice else ""


class _EnoughProblems(Exception):
    """Raised to stop the validation when `_MAX_PROBLEMS` problems were found."""


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
        problems.append(GraphQLError(f"There are more problems; only the first {_MAX_PROBLEMS} are listed."))
    return problems


@dataclass(frozen=True, slots=True, eq=False)
class _Identical:
    """A cache key of syntax nodes that compares the nodes by identity (`is`), because comparing whole trees is slow.

    `spec_definitions` returns the same nodes for the same specification and names, so equal definitions are identical.
    """

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
    """Build the base schema, which has only the definitions of specifications.

    graphql-core adds `@oneOf` to every schema. This function removes the directive again, because composition treats
    `@oneOf` as a custom directive: a subgraph that uses `@oneOf` must define the directive, and the supergraph has
    `@oneOf` only if a `@composeDirective` names it.
    """
    schema = build_ast_schema(DocumentNode(definitions=definitions.nodes), assume_valid_sdl=True)
    arguments = schema.to_kwargs()
    arguments["directives"] = tuple(each for each in schema.directives if each is not GraphQLOneOfDirective)
    return GraphQLSchema(**arguments)


def check_argument_values(
    subgraph: str, schema: GraphQLSchema, applications: Iterable[Applied], report: Report
) -> None:
    """Check the argument values of applied directives: report each value that does not fit the argument's type.

    The SDL rules of graphql-core do not check these values. If the type is a custom scalar, any value is accepted here.
    For example, the rules for field sets check the values of `FieldSet` later. As in Apollo's composition, an input
    object may lack required fields.
    """
    for applied in applications:
        definition = schema.get_directive(applied.name)
        if definition is None or applied.node is None:
            continue
        for argument in applied.node.arguments or ():
            expected = definition.args.get(argument.name.value)
            is_null = isinstance(argument.value, NullValueNode)
            if is_null and (applied.element, argument.name.value) in _NULL_ALLOWED:
                continue
            if expected is not None and not _fits(argument.value, expected.type):
                report.error(
                    "INVALID_GRAPHQL",
                    f"[{subgraph}] Invalid value for argument {argument.name.value} of @{applied.name}: "
                    f"{print_ast(argument.value)} is not a valid {expected.type}.",
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
    """If a subgraph defines a type with the name of a built-in scalar, such as `type ID`, rename the type.

    Without the new name, graphql-core would use the built-in scalar and would not check the subgraph's type. The merge
    later reports that the name belongs to a built-in scalar.
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
    """If a type has extensions but no definition, convert the first extension to a definition.

    The rules of graphql-core require a definition of each type. If the document has `extend schema` but no `schema`
    definition, the first `extend schema` that names a root type is converted too.
    """
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
    kind = _DEFINITION_OF[type(node)]
    parts = {key: getattr(node, key) for key in node.keys if key in kind.keys and key != "loc"}
    return kind(**parts, loc=node.loc)
