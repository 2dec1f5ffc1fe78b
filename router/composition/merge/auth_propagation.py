"""Copy authorization requirements between interfaces and their implementations (composition §5.7).

The requirements are the directives `@authenticated`, `@requiresScopes` and `@policy`. Subgraphs write these directives
on object types, on fields of object types and on fields of `@interfaceObject` types. Subgraphs cannot write these
directives on interface types, on fields of interface types or on `@interfaceObject` types.

- From implementations to interfaces: a client that queries an interface can receive any implementation. So an interface
  gets the requirements of all its implementations. Each field of the interface gets the requirements that the
  implementations have on the field of the same name.
- From interfaces to implementations: requirements on a field of an `@interfaceObject` type are copied to the same field
  of every implementation of the interface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import Applications, merge_single
from router.composition.model import AUTH_ELEMENTS, Element, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.composition.merge.merge_state import MergeState
    from router.composition.model import Schema, TypeDef


@dataclass(frozen=True, slots=True)
class _Addition:
    """Requirements that must be added to one type or field of the supergraph.

    Attributes:
        dest: The type or field.
        what: The name of the type, or the coordinate of the field, for hints.
        found: The requirements to add.
    """

    dest: Element
    what: str
    found: Applications


def propagate_requirements(state: MergeState) -> None:
    """Copy requirements between the interfaces of the supergraph and their implementations (composition §5.7)."""
    if not any(merged.element in AUTH_ELEMENTS for merged in state.features.merged.values()):
        return
    # Find all additions before the first addition is made. Otherwise, a requirement of one implementation would be
    # copied to an interface, and then from the interface to the other implementations.
    additions = [*_onto_interfaces(state), *_onto_implementations(state), *_over_implementations(state)]
    for addition in additions:
        _apply(state, addition)


def _onto_interfaces(state: MergeState) -> Iterable[_Addition]:
    supergraph = state.supergraph
    for interface in supergraph.of_kind(Kind.INTERFACE):
        implementations = [supergraph.types[name] for name in supergraph.possible_types(interface.name)]
        behind = [found for each in implementations for found in _requirements(state, each.name, each)]
        yield _Addition(interface, interface.name, behind)
        for member in interface.fields.values():
            fields = [(each.name, each.fields[member.name]) for each in implementations if member.name in each.fields]
            found = [one for name, own in fields for one in _requirements(state, name, own)]
            yield _Addition(member, member.coordinate, found)


def _onto_implementations(state: MergeState) -> Iterable[_Addition]:
    supergraph = state.supergraph
    for definition in supergraph.of_kind(Kind.OBJECT):
        for name in definition.interfaces:
            interface = supergraph.types[name]
            for member in interface.fields.values():
                own = definition.fields.get(member.name)
                if own is not None:
                    yield _Addition(own, own.coordinate, _requirements(state, name, member))


def _over_implementations(state: MergeState) -> Iterable[_Addition]:
    """Find the requirements to copy between two interfaces that have a common implementation.

    Example: `Book` implements `Media` and `Product`, and both interfaces have the field `price`. If an
    `@interfaceObject` type has requirements on `Media.price`, `Product.price` gets the same requirements, because a
    client can query the price of a book through either interface.
    """
    supergraph = state.supergraph
    for interface in supergraph.of_kind(Kind.INTERFACE):
        for member in interface.fields.values():
            found = [
                requirement
                for name in sorted(_other_interfaces(supergraph, interface))
                if (other := supergraph.types[name].fields.get(member.name)) is not None
                for requirement in _requirements(state, name, other)
            ]
            yield _Addition(member, member.coordinate, found)


def _other_interfaces(schema: Schema, interface: TypeDef) -> set[str]:
    """Return the names of all other interfaces that some implementation of `interface` implements."""
    names = {name for each in schema.possible_types(interface.name) for name in schema.types[each].interfaces}
    return names - {interface.name}


def _requirements(state: MergeState, type_name: str, element: Element) -> Applications:
    index = next(index for index, _ in state.type_sources(type_name).items())
    return [(index, applied) for applied in element.directives if applied.element in AUTH_ELEMENTS]


def _apply(state: MergeState, addition: _Addition) -> None:
    by_element = {merged.element: merged for merged in state.features.merged.values()}
    for element in AUTH_ELEMENTS:
        added = [(index, applied) for index, applied in addition.found if applied.element == element]
        if not added:
            continue
        found = [*((added[0][0], applied) for applied in addition.dest.applied(element)), *added]
        addition.dest.directives = [each for each in addition.dest.directives if each.element != element]
        merge_single(state, by_element[element], found, addition.dest, addition.what)
