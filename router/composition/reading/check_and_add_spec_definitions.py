"""Check a subgraph's own definitions of directives and types of specifications, such as `@key`, and add missing ones.

The SDL of a subgraph may contain definitions of `@key` and other elements of specifications, because servers print
these definitions. A subgraph's definition may allow fewer uses than the specification, but not more.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputValueDefinitionNode,
    NonNullTypeNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
)

from router.composition.const_value_nodes import identity
from router.composition.model import BUILT_IN_SCALARS
from router.composition.reading.spec_definitions_under_schema_names import SpecDefinitions, spec_definitions
from router.composition.reading.spec_directive_names import UPGRADED_TO
from router.composition.type_refs import NonNull, base_name, from_node, nullable
from router.federation.linked_specs import CORE_IDENTITY, FEDERATION_IDENTITY, LINK_IDENTITY, Links
from router.federation.spec_versions import FEDERATION_1, spec_version, spec_versions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from router.composition.error_codes import ErrorCode
    from router.composition.reading.subgraph_document import SubgraphDocument
    from router.composition.report import Report

    # An error code, the definition that has the problem, and a message.
    _Problem: TypeAlias = tuple[ErrorCode, DefinitionNode, str]

_IMPLIED = (FEDERATION_IDENTITY, LINK_IDENTITY)

_INEXACT = frozenset({"key", "provides", "requires"})
_INEXACT_FIELDS_TYPES = frozenset({"String", "_FieldSet", "FieldSet"})


def complete_definitions(
    subgraph: str, document: SubgraphDocument, links: Links, report: Report
) -> tuple[tuple[DefinitionNode, ...], tuple[DefinitionNode, ...]]:
    """Return the subgraph's own definitions, and the missing definitions of specifications (composition §1).

    Reports DIRECTIVE_DEFINITION_INVALID or TYPE_DEFINITION_INVALID if an own definition contradicts its specification.
    """
    federation_2 = links.get(FEDERATION_IDENTITY) is not None
    written = document.definitions
    kept = written if federation_2 else _without_inexact(written)
    directives = {node.name.value: node for node in kept if isinstance(node, DirectiveDefinitionNode)}
    types = {node.name.value: node for node in kept if isinstance(node, TypeDefinitionNode)}
    for directive, name in _unknown_types(written, types.keys() | document.removed_types):
        message = f"The definition of @{directive.name.value} refers to the type {name}, which is not defined."
        report.error("INVALID_GRAPHQL", f"[{subgraph}] {message}", [(subgraph, directive)])
    expectations = dict(_expectations(links, federation_2=federation_2))
    if "link" in directives and not any(links):
        # The schema defines a directive @link but links no specification. So its @link is a custom directive, not the
        # @link of the link specification.
        del expectations[LINK_IDENTITY]
    problems = {name: tuple(_problems(expected, directives, types)) for name, expected in expectations.items()}
    problems |= {} if federation_2 else _with_upgraded(problems, directives)
    is_written = links.get(LINK_IDENTITY) is not None
    if is_written and "link" in directives and _can_link(directives["link"]):
        # If a schema explicitly links the link specification, its definition of @link may differ in details.
        problems[LINK_IDENTITY] = ()
    expectations = _in_effect(expectations, problems, has_link=is_written or "link" in directives)
    for specification in expectations:
        for code, node, problem in problems[specification]:
            report.error(code, f"[{subgraph}] The definition of {problem}.", [(subgraph, node)])
    added: list[DefinitionNode] = []
    for expected in expectations.values():
        added += [node for name, node in expected.directives.items() if name not in directives]
        added += [node for name, node in expected.types.items() if name not in types]
    own_names = types.keys() | {node.name.value for node in kept if isinstance(node, TypeExtensionNode)}
    if any(name in own_names for expected in expectations.values() for name in expected.types):
        # The subgraph defines or extends a type of a specification, and the added definitions may use this type. So no
        # schema can be built from the added definitions alone. All definitions are returned as the subgraph's own.
        return (*kept, *added), ()
    return kept, tuple(added)


def _in_effect(
    expectations: Mapping[str, SpecDefinitions], problems: Mapping[str, tuple[_Problem, ...]], *, has_link: bool
) -> dict[str, SpecDefinitions]:
    """Return the specifications whose definitions are checked and, if missing, added.

    If the definition of `@link` is wrong, composition does not know which specifications the schema links. So only the
    link specification is returned. `has_link` says whether the schema defines `@link` or links its specification.

    If the federation version is unknown or a federation definition is wrong, only the specifications in `_IMPLIED` are
    returned.
    """
    if problems.get(LINK_IDENTITY) and has_link:
        # The definition of @link is wrong, so no other specification counts as linked.
        return {LINK_IDENTITY: expectations[LINK_IDENTITY]}
    if FEDERATION_IDENTITY not in problems or problems[FEDERATION_IDENTITY]:
        # The federation version is unknown, or a federation definition is wrong. So other specifications are ignored.
        return {each: expectations[each] for each in _IMPLIED if each in expectations}
    return dict(expectations)


def _can_link(definition: DirectiveDefinitionNode) -> bool:
    """Return whether `definition` is acceptable as `@link` in a schema that explicitly links the link specification.

    Apollo's composition does not compare such a definition with the specification. So the types of the arguments "for"
    and "import" may have other names than in the specification.
    """
    types = {argument.name.value: str(from_node(argument.type)) for argument in definition.arguments or ()}
    return (
        definition.repeatable
        and [location.value for location in definition.locations] == ["SCHEMA"]
        and types.get("url") in ("String", "String!")
        and types.get("as", "String") == "String"
    )


def _problems(
    expected: SpecDefinitions,
    directives: Mapping[str, DirectiveDefinitionNode],
    types: Mapping[str, TypeDefinitionNode],
) -> Iterator[_Problem]:
    """Yield `(error code, definition, problem)` for each own definition that contradicts the specification."""
    for name, wanted in expected.directives.items():
        own = directives.get(name)
        if own is not None and (problem := _directive_problem(own, wanted, types)):
            yield "DIRECTIVE_DEFINITION_INVALID", own, f"@{name} {problem}"
    for name, wanted_type in expected.types.items():
        own_type = types.get(name)
        if own_type is not None and (problem := _type_problem(own_type, wanted_type)):
            yield "TYPE_DEFINITION_INVALID", own_type, f"{name} {problem}"


def _unknown_types(
    definitions: Iterable[DefinitionNode], types: Collection[str]
) -> Iterator[tuple[DirectiveDefinitionNode, str]]:
    """Find directive definitions with an argument of an undefined type. Yield `(directive definition, type name)`."""
    for directive in definitions:
        if isinstance(directive, DirectiveDefinitionNode):
            for argument in directive.arguments or ():
                name = base_name(from_node(argument.type))
                if name not in types and name not in BUILT_IN_SCALARS:
                    yield directive, name


def _without_inexact(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    return tuple(node for node in definitions if not (isinstance(node, DirectiveDefinitionNode) and _is_inexact(node)))


def _is_inexact(node: DirectiveDefinitionNode) -> bool:
    """Return whether `node` is an inexact definition of `@key`, `@provides` or `@requires`.

    Federation 1 libraries print such definitions. In them, the directive has no arguments, or only the argument
    `fields` with the nullable type `String`, `_FieldSet` or `FieldSet`.
    """
    if node.name.value not in _INEXACT:
        return False
    arguments = node.arguments or ()
    if not arguments:
        return True
    first = arguments[0]
    return len(arguments) == 1 and first.name.value == "fields" and str(from_node(first.type)) in _INEXACT_FIELDS_TYPES


def _expectations(links: Links, *, federation_2: bool) -> Iterator[tuple[str, SpecDefinitions]]:
    """Yield `(identity, definitions)` of each specification that the schema uses.

    The identity is the URL of the specification without the version.
    """
    if not federation_2:
        yield FEDERATION_IDENTITY, spec_definitions(FEDERATION_1, lambda name: name, lambda name: name)
        # FEDERATION_1 does not contain the directives of Federation 2, such as @shareable: a Federation 1 schema may
        # define its own directives with these names.
    for link in links:
        if link.spec is not None and link.url.identity not in (LINK_IDENTITY, CORE_IDENTITY):
            yield link.url.identity, spec_definitions(link.spec, link.directive_name, link.type_name)
    own = links.get(LINK_IDENTITY)
    if own is None or (own.alias == "link" and own.imports.get("@link", "@link") == "@link"):
        # A definition is added only for the name @link. If a schema renames @link, it must contain the definition.
        spec = (own.spec if own else None) or spec_versions("link")[-1]
        type_name = own.type_name if own else lambda name: f"link__{name}"
        yield LINK_IDENTITY, spec_definitions(spec, lambda name: name, type_name)


def _with_upgraded(
    problems: Mapping[str, tuple[_Problem, ...]], directives: Mapping[str, DirectiveDefinitionNode]
) -> dict[str, tuple[_Problem, ...]]:
    """Check a Federation 1 schema's own definitions of directives of Federation 2, such as `@shareable`.

    The upgrade needs these directives, so the schema's own definitions must agree with Federation 2. Returns all
    problems with definitions of the federation specification: those in `problems`, and those that are found here.
    """
    return {FEDERATION_IDENTITY: (*problems[FEDERATION_IDENTITY], *_problems(_of_federation_2(), directives, {}))}


@cache
def _of_federation_2() -> SpecDefinitions:
    """Return the directives that Federation 1 does not have and the upgrade can add, such as `@shareable`.

    If the schema defines such a directive itself, the definition must agree with Federation 2.
    """
    upgraded = spec_version("federation", UPGRADED_TO)
    assert upgraded is not None  # noqa: S101 - a version that composition knows
    every = spec_definitions(upgraded, lambda name: name, lambda name: name)
    return SpecDefinitions(
        {name: node for name, node in every.directives.items() if name not in FEDERATION_1.directives}, {}
    )


def _directive_problem(
    own: DirectiveDefinitionNode, wanted: DirectiveDefinitionNode, types: Mapping[str, TypeDefinitionNode]
) -> str | None:
    allowed = {location.value for location in wanted.locations}
    extra = [location.value for location in own.locations if location.value not in allowed]
    if extra:
        return f"allows {', '.join(extra)}, but the specification allows only {', '.join(sorted(allowed))}"
    if own.repeatable and not wanted.repeatable:
        return "is repeatable, but the directive of the specification is not"
    own_arguments = {argument.name.value: argument for argument in own.arguments or ()}
    wanted_arguments = {argument.name.value: argument for argument in wanted.arguments or ()}
    for name, argument in wanted_arguments.items():
        mine = own_arguments.get(name)
        if mine is None:
            if isinstance(argument.type, NonNullTypeNode) and argument.default_value is None:
                return f'lacks the required argument "{name}"'
            continue
        problem = _argument_problem(mine, argument, types)
        if problem:
            return problem
    unknown = own_arguments.keys() - wanted_arguments.keys()
    return f"has the unknown argument {', '.join(sorted(unknown))}" if unknown else None


def _argument_problem(
    own: InputValueDefinitionNode, wanted: InputValueDefinitionNode, types: Mapping[str, TypeDefinitionNode]
) -> str | None:
    name = own.name.value
    mine, expected = from_node(own.type), from_node(wanted.type)
    # A subgraph's definition may make an optional argument required, but it must not make a required argument optional.
    relaxed = isinstance(expected, NonNull) and not isinstance(mine, NonNull)
    if base_name(expected) in BUILT_IN_SCALARS:
        same = str(nullable(mine)) == str(nullable(expected))
    else:
        custom = types.get(base_name(mine))
        same = base_name(mine) == base_name(expected) or not isinstance(custom, ScalarTypeDefinitionNode)
    if relaxed or not same:
        return f'has an argument "{name}" of type {mine}, expected {expected}'
    # A definition that makes the argument required may omit the default value.
    is_tightened = isinstance(mine, NonNull) and not isinstance(expected, NonNull) and own.default_value is None
    if not is_tightened and identity(own.default_value) != identity(wanted.default_value):
        return f'has another default value of the argument "{name}" than the specification'
    return None


def _type_problem(own: TypeDefinitionNode, wanted: TypeDefinitionNode) -> str | None:
    if own.kind != wanted.kind:
        return f"is a {own.kind}, expected a {wanted.kind}".replace("_", " ")
    if isinstance(own, EnumTypeDefinitionNode) and isinstance(wanted, EnumTypeDefinitionNode):
        expected = {value.name.value for value in wanted.values or ()}
        mine = {value.name.value for value in own.values or ()}
        if mine != expected:
            return f"has the values {', '.join(sorted(mine))}, expected {', '.join(sorted(expected))}"
    return None
