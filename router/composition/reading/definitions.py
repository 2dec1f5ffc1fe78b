"""Definitions of known directives and types: check those a subgraph brings along, add those it leaves out.

A subgraph may define `@key` and its relatives itself, as servers print them. Such a definition is accepted when every
use it allows is one that the specification allows too (composition.md §1): no further locations, not repeatable where
the specification is not, no unknown arguments, none of the required ones missing, the same defaults. An optional
argument may be required, and where the specification has a custom scalar a built-in or other non-scalar type may stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
)

from router.composition.model import BUILT_IN_SCALARS
from router.composition.reading.elements import federation_1_names
from router.composition.type_refs import NonNull, base_name, from_node, nullable
from router.composition.values import identity
from router.federation.links import FEDERATION_IDENTITY, LINK_IDENTITY, Link, Links
from router.federation.specs import FEDERATION_1, SpecVersion, spec_version, spec_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from router.composition.report import Report

_SLOPPY = frozenset({"key", "provides", "requires"})
_SLOPPY_FIELDS_TYPES = frozenset({"String", "_FieldSet", "FieldSet"})


@dataclass(frozen=True, slots=True)
class SpecDefinitions:
    """What one linked specification wants to find in the schema, under the schema's names."""

    directives: Mapping[str, DirectiveDefinitionNode]
    types: Mapping[str, TypeDefinitionNode]


def complete(
    subgraph: str, definitions: Sequence[DefinitionNode], links: Links, report: Report
) -> tuple[DefinitionNode, ...]:
    """All definitions the schema needs: the subgraph's own, checked, and the missing ones of its specifications.

    Reports DIRECTIVE_DEFINITION_INVALID and TYPE_DEFINITION_INVALID.
    """
    federation_2 = links.get(FEDERATION_IDENTITY) is not None
    kept = tuple(definitions) if federation_2 else _without_sloppy(definitions)
    directives = {node.name.value: node for node in kept if isinstance(node, DirectiveDefinitionNode)}
    types = {node.name.value: node for node in kept if isinstance(node, TypeDefinitionNode)}
    added: list[DefinitionNode] = []
    for expected in _expectations(links, federation_2=federation_2):
        for name, wanted in expected.directives.items():
            own = directives.get(name)
            if own is None:
                added.append(wanted)
                continue
            problem = _directive_problem(own, wanted, types)
            if problem:
                report.error(
                    "DIRECTIVE_DEFINITION_INVALID",
                    f"[{subgraph}] The definition of @{name} {problem}.",
                    [(subgraph, own)],
                )
        for name, wanted_type in expected.types.items():
            own_type = types.get(name)
            if own_type is None:
                added.append(wanted_type)
                continue
            problem = _type_problem(own_type, wanted_type)
            if problem:
                report.error(
                    "TYPE_DEFINITION_INVALID",
                    f"[{subgraph}] The definition of {name} {problem}.",
                    [(subgraph, own_type)],
                )
    return (*kept, *added)


def _without_sloppy(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    return tuple(node for node in definitions if not (isinstance(node, DirectiveDefinitionNode) and _is_sloppy(node)))


def _is_sloppy(node: DirectiveDefinitionNode) -> bool:
    """Federation 1 libraries print @key, @provides and @requires in ways that mean the right thing inexactly."""
    if node.name.value not in _SLOPPY:
        return False
    arguments = node.arguments or ()
    if not arguments:
        return True
    first = arguments[0]
    return (
        len(arguments) == 1
        and first.name.value == "fields"
        and str(nullable(from_node(first.type))) in _SLOPPY_FIELDS_TYPES
    )


def _expectations(links: Links, *, federation_2: bool) -> Iterator[SpecDefinitions]:
    if not federation_2:
        yield renamed_spec(FEDERATION_1, directive=lambda name: name, type_=lambda name: name)
        # Newer directives a Federation 1 schema defines by itself become federation's when it is upgraded.
    for link in links:
        if link.spec is not None and link.url.identity != LINK_IDENTITY:
            yield renamed_spec(link.spec, directive=link.directive_name, type_=link.type_name)
    own = links.get(LINK_IDENTITY)
    link_spec = (own.spec if own else None) or spec_versions("link")[-1]
    yield renamed_spec(
        link_spec,
        directive=own.directive_name if own else lambda name: name,
        type_=own.type_name if own else lambda name: f"link__{name}",
    )


def renamed_spec(spec: SpecVersion, *, directive: Callable[[str], str], type_: Callable[[str], str]) -> SpecDefinitions:
    def named(node: TypeNode) -> TypeNode:
        match node:
            case NonNullTypeNode():
                return NonNullTypeNode(type=named(node.type))  # type: ignore[arg-type]  # wrapping is unchanged
            case ListTypeNode():
                return ListTypeNode(type=named(node.type))
            case NamedTypeNode() if node.name.value in spec.types:
                return NamedTypeNode(name=NameNode(value=type_(node.name.value)))
            case _:
                return node

    def inputs(nodes: Iterable[InputValueDefinitionNode] | None) -> tuple[InputValueDefinitionNode, ...]:
        return tuple(replace(node, type=named(node.type)) for node in nodes or ())

    directives = {}
    for element, node in spec.directives.items():
        name = directive(element)
        directives[name] = DirectiveDefinitionNode(
            name=NameNode(value=name),
            arguments=inputs(node.arguments),
            repeatable=node.repeatable,
            locations=node.locations,
        )
    types: dict[str, TypeDefinitionNode] = {}
    for element, definition in spec.types.items():
        label = NameNode(value=type_(element))
        match definition:
            case EnumTypeDefinitionNode():
                types[label.value] = EnumTypeDefinitionNode(name=label, values=definition.values)
            case InputObjectTypeDefinitionNode():
                types[label.value] = InputObjectTypeDefinitionNode(name=label, fields=inputs(definition.fields))
            case _:
                types[label.value] = ScalarTypeDefinitionNode(name=label)
    return SpecDefinitions(directives, types)


def _directive_problem(
    own: DirectiveDefinitionNode, wanted: DirectiveDefinitionNode, types: Mapping[str, TypeDefinitionNode]
) -> str | None:
    allowed = {location.value for location in wanted.locations}
    extra = [location.value for location in own.locations if location.value not in allowed]
    if extra:
        return f"allows {', '.join(extra)}, but the specification only {', '.join(sorted(allowed))}"
    if own.repeatable and not wanted.repeatable:
        return "is repeatable, but not in the specification"
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
    # An optional argument may be tightened; a required one may not be relaxed.
    relaxed = isinstance(expected, NonNull) and not isinstance(mine, NonNull)
    if base_name(expected) in BUILT_IN_SCALARS:
        same = str(nullable(mine)) == str(nullable(expected))
    else:
        custom = types.get(base_name(mine))
        same = base_name(mine) == base_name(expected) or not isinstance(custom, ScalarTypeDefinitionNode)
    if relaxed or not same:
        return f'has an argument "{name}" of type {mine}, expected {expected}'
    if identity(own.default_value) != identity(wanted.default_value):
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


def upgraded_names() -> frozenset[str]:
    """Names a Federation 1 schema may give to directives of its own that the upgrade takes for federation's."""
    return federation_1_names() - FEDERATION_1.directives.keys()


def known_link(link: Link) -> bool:
    """Whether the linked specification is one whose definitions we have, in exactly this version."""
    return spec_version(link.url.name, link.url.version) is not None
