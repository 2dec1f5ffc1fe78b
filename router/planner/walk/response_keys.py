"""Response keys for what the router asks for on its own account.

The client may use the key `price` for another field, or for `price` with other arguments. A helper then travels under
an alias, and the same helper at the same object always under the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.normalise.selections import NestedSelections, distinct, response_key, signature

if TYPE_CHECKING:
    from router.planner.normalise.selections import Normaliser


class ResponseKeys:
    """Which signatures stand under which response key, by path of response keys."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def reserve(self, normaliser: Normaliser, below: tuple[NestedSelections, ...], type_name: str) -> None:
        """Note every key the client uses in the whole operation."""
        pending: list[tuple[tuple[str, ...], tuple[NestedSelections, ...], str]] = [((), below, type_name)]
        while pending:
            path, here, parent = pending.pop()
            taken = self._taken.setdefault(path, {})
            deeper: dict[tuple[str, str], list[NestedSelections]] = {}
            for item in normaliser.items(here, parent):
                key = response_key(item.node)
                taken.setdefault(key, set()).add(signature(item.node))
                # What lies below __schema and __type is answered by the router, out of types no subgraph has.
                if item.node.selection_set is not None and not item.node.name.value.startswith("__"):
                    target, _ = normaliser.output(item)
                    deeper.setdefault((key, target), []).append(
                        NestedSelections(item.node.selection_set, item.guards, target)
                    )
            pending += [((*path, key), distinct(entries), target) for (key, target), entries in deeper.items()]

    def key_for(self, path: tuple[str, ...], name: str, wanted: str) -> str:
        """The key under which field `name` with signature `wanted` is fetched at `path`."""
        taken = self._taken.setdefault(path, {})
        candidate, number = name, 0
        while taken.get(candidate, {wanted}) != {wanted}:
            candidate = f"{name}__alias_{number}"
            number += 1
        taken.setdefault(candidate, {wanted})
        return candidate
