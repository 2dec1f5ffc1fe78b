"""Find the types that a client can reach in the visible part of a schema.

The search begins at the root types and the arguments of directives. A type makes these types reachable: the types of
its visible fields, their visible arguments and its visible input fields; the implementations of an interface; the
members of a union. The interfaces of a reachable object are reachable too, because a fragment can name them, but their
other implementations are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import ROOTS
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.model import Schema, TypeDef


def reachable_types(schema: Schema, kept: Iterable[str]) -> set[str]:
    """Return the names of the types that are reachable from the root types or from the types in `kept`."""
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
