"""Copy the fields of `@interfaceObject` types to the implementations of the interface (composition §5.5).

If a subgraph has `type Media @interfaceObject { rating: Int }` and `Book` implements the interface `Media`, then the
supergraph's `Book` gets the field `rating`.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from router.composition.merge.check_shareable import check_sharing
from router.composition.model import Applied, Element, Kind

if TYPE_CHECKING:
    from typing import TypeVar

    from router.composition.merge.merge_state import MergeState
    from router.composition.model import FieldDef

    _E = TypeVar("_E", bound=Element)


def copy_interface_object_fields(state: MergeState) -> None:
    """Copy the fields of `@interfaceObject` types to the implementations of the interface (composition §5.5).

    If an implementation already has a field of this name, the field is not copied to the implementation.
    """
    for definition in state.supergraph.of_kind(Kind.OBJECT):
        for interface_name in definition.interfaces:
            for member in state.supergraph.types[interface_name].fields.values():
                if member.name in definition.fields or not _from_interface_object(state, member):
                    continue
                copied = _copied(member)
                copied.parent = definition.name
                copied.arguments = {name: _copied(argument) for name, argument in member.arguments.items()}
                copied.directives.append(Applied("join__field", {}))
                definition.fields[member.name] = copied
                check_sharing(state, {}, copied)


def _from_interface_object(state: MergeState, member: FieldDef) -> bool:
    for subgraph in state.subgraphs:
        own = subgraph.schema.types.get(member.parent)
        if own is not None and own.is_interface_object and member.name in own.fields:
            return True
    return False


def _copied(element: _E) -> _E:
    copied = copy(element)
    copied.directives = [applied for applied in element.directives if not applied.name.startswith("join__")]
    return copied
