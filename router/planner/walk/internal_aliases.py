"""Response keys of the fields that the router adds for keys and requirements (planning §3.5).

The client may use the response key `price` for another field, or for `price` with other arguments. An added `price` is
then fetched under an alias, the same field of the same object always under the same one.

    client: { item { price: weight } }     required: price     ->     { item { price: weight price__alias_0: price } }
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.normalise.selections import NestedSelections, distinct, response_key, signature

if TYPE_CHECKING:
    from router.planner.normalise.selections import Normaliser


class InternalAliases:
    """The fields (as signatures) under each response key, by the path of response keys of their object."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def reserve(self, normaliser: Normaliser, below: tuple[NestedSelections, ...], type_name: str) -> None:
        """Note every response key that the client uses below selections on a type."""
        pending: list[tuple[tuple[str, ...], tuple[NestedSelections, ...], str]] = [((), below, type_name)]
        while pending:
            path, here, parent = pending.pop()
            taken = self._taken.setdefault(path, {})
            deeper: dict[tuple[str, str], list[NestedSelections]] = {}
            for item in normaliser.selected_fields(here, parent):
                key = response_key(item.node)
                taken.setdefault(key, set()).add(signature(item.node))
                # No subgraph has the types below `__schema` and `__type`.
                if item.node.selection_set is not None and not item.node.name.value.startswith("__"):
                    target, _ = normaliser.output(item)
                    nested = NestedSelections(item.node.selection_set, item.guards, target)
                    deeper.setdefault((key, target), []).append(nested)
            pending += [((*path, key), distinct(entries), target) for (key, target), entries in deeper.items()]

    def key_for(self, path: tuple[str, ...], name: str, wanted: str) -> str:
        """The response key for field `name` with the signature `wanted` on the object at `path`."""
        taken = self._taken.setdefault(path, {})
        candidate, number = name, 0
        while taken.get(candidate, {wanted}) != {wanted}:
            candidate = f"{name}__alias_{number}"
            number += 1
        taken.setdefault(candidate, {wanted})
        return candidate
