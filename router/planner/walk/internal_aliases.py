"""Choose aliases for the fields that the router adds for keys and requirements (planning §3.5).

The client may use the response key `price` for another field, or for `price` with other arguments. The router then
fetches its own `price` with an alias. The same field of the same object always gets the same alias.

    client: { item { price: weight } }     required: price     ->     { item { price: weight price__alias_0: price } }
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.normalise.selections import NestedSelections, distinct, response_key, signature

if TYPE_CHECKING:
    from router.planner.normalise.selections import Normaliser


class InternalAliases:
    """The response keys in use, by the path of their object, each with the signatures of its fields."""

    def __init__(self) -> None:
        self._in_use: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def reserve(self, normaliser: Normaliser, below: tuple[NestedSelections, ...], type_name: str) -> None:
        """Reserve every response key that the client uses, at any depth of the selections `below` on a type."""
        pending: list[tuple[tuple[str, ...], tuple[NestedSelections, ...], str]] = [((), below, type_name)]
        while pending:
            path, here, parent = pending.pop()
            in_use = self._in_use.setdefault(path, {})
            deeper: dict[tuple[str, str], list[NestedSelections]] = {}
            for item in normaliser.selected_fields(here, parent):
                key = response_key(item.node)
                in_use.setdefault(key, set()).add(signature(item.node))
                # No subgraph has the types below `__schema` and `__type`.
                if item.node.selection_set is not None and not item.node.name.value.startswith("__"):
                    target, _ = normaliser.output(item)
                    nested = NestedSelections(item.node.selection_set, item.guards, target)
                    deeper.setdefault((key, target), []).append(nested)
            pending += [((*path, key), distinct(entries), target) for (key, target), entries in deeper.items()]

    def key_for(self, path: tuple[str, ...], name: str, field_signature: str) -> str:
        """Return the response key for field `name` with the signature `field_signature` on the object at `path`."""
        in_use = self._in_use.setdefault(path, {})
        candidate, number = name, 0
        while in_use.get(candidate, {field_signature}) != {field_signature}:
            candidate = f"{name}__alias_{number}"
            number += 1
        in_use.setdefault(candidate, {field_signature})
        return candidate
