"""Compare two supergraphs without regard to the order of their parts.

Equal means: the same types, fields, arguments, values, directives, join metadata and descriptions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphql import (
    BooleanValueNode,
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    ValueNode,
    parse,
    print_ast,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SubgraphMetadata = dict[str, str]
_SPACED = re.compile(r" ?([{}()\[\]:,]) ?")


def supergraph_differences(one: str, other: str) -> list[str]:
    """Coordinates of which the two say different things, with both; empty if the supergraphs are equal."""
    left, right = subgraph(one), subgraph(other)
    return [
        f"{coordinate}: {left.get(coordinate, 'absent')} | {right.get(coordinate, 'absent')}"
        for coordinate in sorted(left.keys() | right.keys())
        if left.get(coordinate) != right.get(coordinate)
    ]


def subgraph(sdl: str) -> SubgraphMetadata:
    """Every element of the document by its coordinate, and all that is said of it as one text."""
    found: SubgraphMetadata = {}
    for definition in parse(sdl, no_location=True).definitions:
        if isinstance(definition, SchemaDefinitionNode):
            roots = sorted(f"{root.operation.value}: {root.type.name.value}" for root in definition.operation_types)
            found["schema"] = f"{_said(definition)} {roots}"
        elif isinstance(definition, DirectiveDefinitionNode):
            name = f"@{definition.name.value}"
            locations = sorted(location.value for location in definition.locations)
            found[name] = f"{_said(definition)} repeatable={definition.repeatable} {locations}"
            found |= dict(_inputs(name, definition))
        elif isinstance(definition, TypeDefinitionNode):
            found |= dict(_type(definition))
    return found


def _type(definition: TypeDefinitionNode) -> Iterator[tuple[str, str]]:
    name = definition.name.value
    named = sorted(one.name.value for part in ("interfaces", "types") for one in getattr(definition, part, None) or ())
    yield name, f"{definition.kind} {_said(definition)} {named}"
    for member in (*(getattr(definition, "fields", None) or ()), *(getattr(definition, "values", None) or ())):
        coordinate = f"{name}.{member.name.value}"
        yield coordinate, _said(member)
        yield from _inputs(coordinate, member)


def _inputs(coordinate: str, node: Node) -> Iterator[tuple[str, str]]:
    for argument in getattr(node, "arguments", None) or ():
        yield f"{coordinate}({argument.name.value}:)", _said(argument)


def _said(node: Node) -> str:
    """Type, default, description and applications of one element."""
    type_ = getattr(node, "type", None)
    default = getattr(node, "default_value", None)
    description = getattr(node, "description", None)
    applications = sorted(_application(one) for one in getattr(node, "directives", None) or ())
    parts = [
        print_ast(type_) if type_ else "",
        f"= {_value(default)}" if default else "",
        repr(description.value) if description and description.value else "",
        *applications,
    ]
    return " ".join(filter(None, parts))


# Arguments that say the same when they are left out.
_DEFAULTS: Mapping[tuple[str, str], bool] = {
    ("join__type", "extension"): False,
    ("join__type", "resolvable"): True,
    ("join__type", "isInterfaceObject"): False,
}


def _application(directive: ConstDirectiveNode) -> str:
    name = directive.name.value
    arguments = sorted(
        f"{argument.name.value}: {_value(argument.value)}"
        for argument in directive.arguments or ()
        if not (
            isinstance(argument.value, BooleanValueNode)
            and _DEFAULTS.get((name, argument.name.value)) is argument.value.value
        )
    )
    return f"@{name}({', '.join(arguments)})"


def _value(value: ValueNode) -> str:
    """A list as a set: subgraphs, scopes, imports and sizes are listed where this matters, and none counts twice."""
    match value:
        case ListValueNode():
            return f"[{', '.join(sorted(set(map(_value, value.values))))}]"
        case ObjectValueNode():
            return f"{{{', '.join(sorted(f'{one.name.value}: {_value(one.value)}' for one in value.fields))}}}"
        case StringValueNode():
            # Field sets are texts too: how their braces are spaced does not count.
            text = _SPACED.sub(r"\1", " ".join(value.value.split()))
            return f'"{text}"'
        case _:
            return print_ast(value)
