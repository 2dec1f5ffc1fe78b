"""Find the types that a client can reach in the visible part of a schema.

The search begins at the root types and at the types of the arguments in directive definitions. From a reachable type,
clients can reach:

- the types of its visible fields and input fields, and of the visible arguments of these fields;
- the implementations, if the type is an interface, and the members, if the type is a union;
- the interfaces that the type implements, because a fragment can name the interface. If an interface is reached only in
  this way, its other implementations are not reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ROOTS
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.model import Schema, TypeDef


def reachable_types(schema: Schema, kept: Iterable[str]) -> set[str]:
    """Return the names of the types that clients can reach. Visible types in `kept` count as reachable too."""
    reached: set[str] = set()
    waiting = [name for name in (*ROOTS.values(), *kept, *_directive_arguments(schema)) if _visible(schema, name)]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting += [found for found in _found_in(schema, schema.types[name]) if _visible(schema, found)]
    interfaces = {interface for name in reached for interface in schema.types[name].interfaces}
    return reached | {name for name in interfaces if _visible(schema, name)}


def _visible(schema: Schema, name: str) -> bool:
    definition = schema.types.get(name)
    return definition is not None and not definition.has("inaccessible")


def _directive_arguments(schema: Schema) -> Iterator[str]:
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield base_name(argument.type)


def _found_in(schema: Schema, definition: TypeDef) -> Iterator[str]:
    for member in definition.fields.values():
        if member.has("inaccessible"):
            continue
        yield base_name(member.type)
        yield from (base_name(each.type) for each in member.arguments.values() if not each.has("inaccessible"))
    yield from (base_name(each.type) for each in definition.inputs.values() if not each.has("inaccessible"))
    yield from schema.possible_types(definition.name)
