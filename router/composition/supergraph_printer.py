"""Print the supergraph as SDL (composition §8.4).

The directive definitions come first, then the types, both in alphabetical order. Fields, arguments and values are
printed in the order in which the merge added them. The same subgraphs always give the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from graphql.language import EnumValueNode, StringValueNode, print_ast
from graphql.language.block_string import print_block_string
from graphql.language.print_string import print_string

from router.composition.const_value_nodes import string
from router.composition.model import ROOTS, Applied, DirectiveDef, EnumValue, FieldDef, InputValue, Kind, TypeDef
from router.composition.reading.spec_definitions_under_schema_names import SpecDefinitions, spec_definitions
from router.federation.spec_versions import SpecVersion, spec_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql.language import ConstValueNode, DirectiveDefinitionNode, TypeDefinitionNode

    from router.composition.merge.merge_state import MergeState
    from router.composition.merge.supergraph_directives_and_links import SupergraphLink

_Part = TypeVar("_Part", bound=str | TypeDef)

# The descriptions of the values of the enum `link__Purpose`, copied from the link specification.
_PURPOSES = {
    "SECURITY": "`SECURITY` features provide metadata necessary to securely resolve fields.",
    "EXECUTION": "`EXECUTION` features provide metadata necessary for operation execution.",
}


def print_supergraph(state: MergeState) -> str:
    """Return the SDL of the supergraph (composition §8), with a newline at the end."""
    texts = (part if isinstance(part, str) else _type(part) for part in supergraph_parts(state))
    return "\n\n".join(texts) + "\n"


def supergraph_parts(state: MergeState) -> list[str | TypeDef]:
    """Return the definitions of the supergraph in their order: merged types, and the texts of all other definitions."""
    directives, types = _specification_definitions(state)
    for name, definition in state.supergraph.directives.items():
        directives[name] = _directive_definition(definition)
    for composed in state.features.composed:
        directives[composed.name] = _directive_definition(composed.definition)
    parts: dict[str, str | TypeDef] = {**types, **{named.name: named for named in state.supergraph.types.values()}}
    return [_schema(state), *_alphabetical(directives), *_alphabetical(parts)]


def _alphabetical(parts: Mapping[str, _Part]) -> list[_Part]:
    return [parts[name] for name in sorted(parts, key=lambda name: (name.lower(), name))]


def _schema(state: MergeState) -> str:
    join = state.features.join
    head = [f'@link(url: "{spec_versions("link")[-1].url}")', f'@link(url: "{join.url}", for: EXECUTION)']
    head += [_link(link) for link in state.features.links]
    head += [_applied(applied) for applied in state.supergraph.applied]
    roots = [f"  {operation}: {name}" for operation, name in ROOTS.items() if name in state.supergraph.types]
    lines = ["schema", *(f"  {line}" for line in head), "{", *roots, "}"]
    return _description(state.supergraph.description, "") + "\n".join(lines)


def _link(link: SupergraphLink) -> str:
    parts = [f"url: {print_ast(string(link.url))}"]
    if link.renamed:
        parts.append(f'as: "{link.name}"')
    if link.imports:
        items = (
            f'"@{element}"' if element == name else f'{{name: "@{element}", as: "@{name}"}}'
            for element, name in link.imports
        )
        parts.append(f"import: [{', '.join(items)}]")
    if link.purpose:
        parts.append(f"for: {link.purpose}")
    return f"@link({', '.join(parts)})"


def _specification_definitions(state: MergeState) -> tuple[dict[str, str], dict[str, str]]:
    """Return the directives and the types of all linked specifications: two mappings of name → SDL."""
    directives: dict[str, DirectiveDefinitionNode] = {}
    types: dict[str, TypeDefinitionNode] = {}
    link = spec_definitions(spec_versions("link")[-1], lambda name: name, lambda name: f"link__{name}")
    join = spec_definitions(state.features.join, lambda name: f"join__{name}", lambda name: f"join__{name}")
    own = [_own_spec(spec, names) for spec, names in state.features.specs]
    for definitions in (link, join, *own):
        directives.update(definitions.directives)
        types.update(definitions.types)
    printed = {name: print_ast(node) for name, node in types.items()}
    printed["join__Graph"] = _graph_enum(state)
    printed["link__Purpose"] = _block("enum link__Purpose", [], _purposes())
    return {name: print_ast(node) for name, node in directives.items()}, printed


def _own_spec(spec: SpecVersion, names: Mapping[str, str]) -> SpecDefinitions:
    return spec_definitions(spec, names.__getitem__, lambda name: f"{spec.name}__{name}")


def _purposes() -> Iterator[str]:
    for position, (name, text) in enumerate(_PURPOSES.items()):
        yield ("\n" if position else "") + _description(text, "  ") + f"  {name}"


def _graph_enum(state: MergeState) -> str:
    values = (
        f"  {value} @join__graph(name: {print_ast(string(schema.name))}, url: {print_ast(string(schema.url))})"
        for value, schema in zip(state.graph_names, (each.schema for each in state.subgraphs), strict=True)
    )
    return _block("enum join__Graph", [], values)


def _type(definition: TypeDef) -> str:
    head = f"{definition.kind} {definition.name}"
    if definition.interfaces:
        head += f" implements {' & '.join(definition.interfaces)}"
    directives = [f"  {_applied(applied)}" for applied in definition.directives]
    description = _description(definition.description, "")
    match definition.kind:
        case Kind.SCALAR:
            return description + "\n".join([head, *directives])
        case Kind.UNION:
            return description + "\n".join([head, *directives, f" = {' | '.join(definition.members)}"])
        case Kind.ENUM:
            parts = [_part(value, value.name) for value in definition.values.values()]
        case Kind.INPUT:
            parts = [_part(item, _input(item)) for item in definition.inputs.values()]
        case _:
            parts = [_part(member, _field(member)) for member in definition.fields.values()]
    return description + _block(head, directives, parts)


def _block(head: str, directives: list[str], parts: Iterable[str]) -> str:
    opening = [head, *directives, "{"] if directives else [f"{head} {{"]
    return "\n".join([*opening, *parts, "}"])


def _part(element: FieldDef | InputValue | EnumValue, text: str) -> str:
    return f"{_description(element.description, '  ')}  {text}{_trailing(element.directives)}"


def _field(member: FieldDef) -> str:
    return f"{member.name}{_arguments(member.arguments, '  ')}: {member.type}"


def _input(item: InputValue) -> str:
    default = f" = {print_ast(item.default)}" if item.default is not None else ""
    return f"{item.name}: {item.type}{default}"


def _arguments(arguments: Mapping[str, InputValue], indent: str) -> str:
    if not arguments:
        return ""
    items = [f"{_input(item)}{_trailing(item.directives)}" for item in arguments.values()]
    if not any(item.description for item in arguments.values()):
        return f"({', '.join(items)})"
    inner = indent + "  "
    lines = (
        f"{_description(item.description, inner)}{inner}{text}"
        for item, text in zip(arguments.values(), items, strict=True)
    )
    return "(\n" + "\n".join(lines) + f"\n{indent})"


def _directive_definition(definition: DirectiveDef) -> str:
    repeatable = " repeatable" if definition.repeatable else ""
    head = f"directive @{definition.name}{_arguments(definition.arguments, '')}{repeatable}"
    return f"{_description(definition.description, '')}{head} on {' | '.join(definition.locations)}"


def _trailing(directives: list[Applied]) -> str:
    return "".join(f" {_applied(applied)}" for applied in directives)


def _applied(applied: Applied) -> str:
    arguments = ", ".join([f"{name}: {_value(value)}" for name, value in applied.arguments.items()])
    return f"@{applied.name}({arguments})" if arguments else f"@{applied.name}"


def _value(node: ConstValueNode) -> str:
    """Return the text of a value. For names and strings, this takes a fraction of the time of `print_ast`."""
    match node:
        case EnumValueNode():
            return node.value
        case StringValueNode(block=block) if not block:
            return print_string(node.value)
        case _:
            return print_ast(node)


def _description(text: str | None, indent: str) -> str:
    if not text:
        return ""
    block = print_block_string(text)
    return "".join(f"{indent}{line}\n" if line else "\n" for line in block.split("\n"))
