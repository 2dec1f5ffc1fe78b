"""INVALID_GRAPHQL: a directive is at a location that the supergraph's definition of the directive does not allow.

The subgraph's definition allows the location. There are two reasons why the supergraph can be different:

- An `@interfaceObject` type is an object type in the subgraph, but an interface in the supergraph.
- If the subgraphs define a custom directive differently, the supergraph has only the newest definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Applied, Element, Kind, TypeDef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.composition.merge.merge_state import MergeState

_TYPE_LOCATIONS = {
    Kind.SCALAR: "SCALAR",
    Kind.OBJECT: "OBJECT",
    Kind.INTERFACE: "INTERFACE",
    Kind.UNION: "UNION",
    Kind.ENUM: "ENUM",
    Kind.INPUT: "INPUT_OBJECT",
}


def check(state: MergeState) -> None:
    """Report directives at locations that the supergraph's definitions do not allow (composition §5.8)."""
    allowed = _locations(state)
    for definition in state.supergraph.types.values():
        for location, where, applied in applications(definition):
            if location not in allowed.get(applied.name, (location,)):
                state.report.error(
                    "INVALID_GRAPHQL",
                    f"@{applied.name} on {where} is not allowed in the supergraph: its definition there is for "
                    f"{', '.join(sorted(allowed[applied.name]))}, not for {location}.",
                    state.places(state.type_sources(definition.name)),
                )


def _locations(state: MergeState) -> Mapping[str, frozenset[str]]:
    """Return a mapping: name of a directive in the supergraph → the locations that its definition allows.

    The mapping has the directives of linked specifications and the custom directives.
    """
    found = {each.name: frozenset(each.definition.locations) for each in state.features.composed}
    for spec, names in state.features.specs:
        for element, name in names.items():
            found[name] = frozenset(location.value for location in spec.directives[element].locations)
    return found


def applications(definition: TypeDef) -> Iterator[tuple[str, str, Applied]]:
    """Yield `(location, coordinate, directive)` for each directive on a type, its fields, values and arguments."""
    name = definition.name
    yield from _each(_TYPE_LOCATIONS[definition.kind], name, definition)
    for value in definition.values.values():
        yield from _each("ENUM_VALUE", f"{name}.{value.name}", value)
    for item in definition.inputs.values():
        yield from _each("INPUT_FIELD_DEFINITION", f"{name}.{item.name}", item)
    for member in definition.fields.values():
        yield from _each("FIELD_DEFINITION", member.coordinate, member)
        for argument in member.arguments.values():
            yield from _each("ARGUMENT_DEFINITION", f"{member.coordinate}({argument.name}:)", argument)


def _each(location: str, where: str, element: Element) -> Iterator[tuple[str, str, Applied]]:
    return ((location, where, applied) for applied in element.directives)
