"""Create the nodes for objects of deferred fragments (planning §3.19).

A *deferred block* is one fragment with `@defer` at one path of the response. An object with a deferred fragment gets a
second node, for the fields of the fragment. The fetches for this node belong to the deferred block and run later. Each
fetch begins at an operation root or with a key hop, even into a subgraph that already returned the object. If no key
hop resolves a field, the field is fetched earlier, together with the fields outside the fragment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from router.planner.walk.nodes_and_options import FetchId, ObjectNode, PathOption, PathStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.merge_selections import SelectedField


def add_root_options(node: ObjectNode, subgraphs: Iterable[str]) -> None:
    """Add direct options to a root node: for each subgraph, an option at the operation root of the subgraph."""
    for subgraph in subgraphs:
        needs: dict[FetchId, int] = {(node.track, subgraph, ""): 0}
        node.direct.append(PathOption(PathStep.OPERATION_ROOT, node, subgraph, node.type_name, 0, needs))


def split_deferred(items: Sequence[SelectedField]) -> tuple[list[SelectedField], dict[int, list[SelectedField]]]:
    """Split selected fields by their outermost deferred fragment.

    Returns two values. The first has the fields that are not deferred. The second maps the `id()` of each deferred
    fragment to its fields. The attribute `deferred` of these fields then has only the inner fragments.
    """
    at_once: list[SelectedField] = []
    later: dict[int, list[SelectedField]] = {}
    for item in items:
        if item.deferred:
            first, *inner = item.deferred
            later.setdefault(first, []).append(replace(item, deferred=tuple(inner)))
        else:
            at_once.append(item)
    return at_once, later


def deferred_object(node: ObjectNode, block: Block) -> ObjectNode:
    """Return a second node for the object of `node`. The fetches for the second node belong to the deferred block."""
    is_root = node.parent is None
    deferred = ObjectNode(
        node.type_name,
        path=node.path,
        keys=node.keys,
        track=(*node.track, f"@defer {block.number}"),
        parent=None if is_root else node,
        guards=node.guards,
        block=block,
        is_deferred=not is_root,
    )
    if is_root:
        add_root_options(deferred, [option.subgraph for option in node.direct])
    else:
        deferred.direct = [_deferred_option(deferred, option) for option in node.direct]
    return deferred


def _deferred_option(node: ObjectNode, option: PathOption) -> PathOption:
    return PathOption(
        PathStep.DEFER,
        node,
        option.subgraph,
        option.type_name,
        option.stage,
        option.needed_fetches,
        scope=option.scope,
        parent=option,
    )
