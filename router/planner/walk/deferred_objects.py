"""Objects of deferred fragments (planning §3.19).

The object of a deferred fragment gets a second node. Fetches for that node belong to the block of the fragment. An
operation root is entered again. Any other object is entered again by a key, even in a subgraph that has it already;
fields that no key leads to are fetched with the enclosing block.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.planner.walk.nodes_and_options import FetchId, ObjectNode, PathOption, PathStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.selections import SelectedField


def enter(node: ObjectNode, subgraphs: Iterable[str]) -> None:
    """Add an option for the operation root in each of the subgraphs."""
    for subgraph in subgraphs:
        needs: dict[FetchId, int] = {(node.track, subgraph, ""): 0}
        node.direct.append(PathOption(PathStep.OPERATION_ROOT, node, subgraph, node.type_name, 0, needs))


def split_deferred(items: Sequence[SelectedField]) -> tuple[list[SelectedField], dict[int, list[SelectedField]]]:
    """The items that are not deferred, and those of each deferred fragment, without that fragment in `deferred`."""
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
    """A second node for the object of a node, whose fetches belong to a block."""
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
        enter(deferred, [option.subgraph for option in node.direct])
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
