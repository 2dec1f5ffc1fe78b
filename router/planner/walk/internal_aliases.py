"""Choose aliases for the fields that the router adds for keys and requirements (planning §3.5).

The client may use the response key `price` for another field, or for `price` with other arguments. In both cases, if a
requirement needs `price`, the router fetches `price` with an alias. On one object, the same field with equal arguments
always gets the same alias.

    operation of the client:     { item { price: weight } }
    required field:              price
    fetched:                     { item { price: weight price__alias_0: price } }
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.plan.client_and_internal_response_keys import internal_key
from router.planner.normalise.merge_selections import NestedSelections, distinct, signature

if TYPE_CHECKING:
    from router.planner.normalise.merge_selections import Normaliser


class InternalAliases:
    """Chooses the response keys of internal fields.

    The class records the response keys in use at each path. For each response key, it records the signatures (name and
    arguments) of the fields that use the key.
    """

    def __init__(self) -> None:
        self._in_use: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def reserve(self, normaliser: Normaliser, below: tuple[NestedSelections, ...], type_name: str) -> None:
        """Record every response key of the client's selections `below` on type `type_name`, at any depth."""
        pending: list[tuple[tuple[str, ...], tuple[NestedSelections, ...], str]] = [((), below, type_name)]
        while pending:
            path, here, parent = pending.pop()
            in_use = self._in_use.setdefault(path, {})
            deeper: dict[tuple[str, str], list[NestedSelections]] = {}
            for item in normaliser.selected_fields(here, parent):
                key = internal_key(item.node)
                in_use.setdefault(key, set()).add(signature(item.node))
                # No internal fields are added below `__schema` and `__type`, because the router resolves these fields
                # itself.
                if item.node.selection_set is not None and not item.node.name.value.startswith("__"):
                    target, _ = normaliser.output(item)
                    nested = NestedSelections(item.node.selection_set, item.guards, target)
                    deeper.setdefault((key, target), []).append(nested)
            pending += [((*path, key), distinct(entries), target) for (key, target), entries in deeper.items()]

    def key_for(self, path: tuple[str, ...], name: str, field_signature: str) -> str:
        """Return the response key for an internal field on the object at `path`.

        The response key is the field's name. If the name is in use with another signature, an alias is returned.
        """
        in_use = self._in_use.setdefault(path, {})
        candidate, number = name, 0
        while in_use.get(candidate, {field_signature}) != {field_signature}:
            candidate = f"{name}__alias_{number}"
            number += 1
        in_use.setdefault(candidate, {field_signature})
        return candidate
