"""Create the nodes for objects of deferred fragments (planning §3.19).

An object with a deferred fragment gets a second node. The fetches for this node belong to the fragment's deferred
block. They begin at an operation root or with a key hop, even into a subgraph that has the object already. Fields that
no key hop resolves are fetched with the enclosing block.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.planner.walk.nodes_and_options import FetchId, ObjectNode, PathOption, PathStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.selections import SelectedField


def add_root_options(node: ObjectNode, subgraphs: Iterable[str]) -> None:
    """Add an option for the operation root in each of the subgraphs to the node."""
    for subgraph in subgraphs:
        needs: dict[FetchId, int] = {(node.track, subgraph, ""): 0}
        node.direct.append(PathOption(PathStep.OPERATION_ROOT, node, subgraph, node.type_name, 0, needs))


def split_deferred(items: Sequence[SelectedField]) -> tuple[list[SelectedField], dict[int, list[SelectedField]]]:
    """Split selected fields by their outermost deferred fragment.

    Returns the fields that are not deferred, and the fields of each deferred fragment by the fragment's `id()`. The
    latter no longer have this fragment in `deferred`.
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
    """Return a second node for the object of a node; the fetches for this node belong to the block."""
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
