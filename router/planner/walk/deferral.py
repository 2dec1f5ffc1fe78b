"""Objects of deferred fragments (planning §3.19).

A deferred fragment stands on the same object once more: what it takes further fetches to get is fetched for its block
alone. Operation roots are entered anew. Other objects are entered anew wherever a key allows it, in the very subgraph
where one stands too; fields for which none does come with the enclosing block's fetches.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.planner.walk.nodes import ObjectNode, PathOption, PathStep, RootKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.selections import SelectedField


def enter(node: ObjectNode, subgraphs: Iterable[str]) -> None:
    """Stand on an operation root in each of the subgraphs."""
    for subgraph in subgraphs:
        needs: dict[RootKey, int] = {(node.track, subgraph, ""): 0}
        node.bases.append(PathOption(PathStep.ENTER, node, subgraph, node.type_name, 0, needs))


def apart(items: Sequence[SelectedField]) -> tuple[list[SelectedField], dict[int, list[SelectedField]]]:
    """What is selected on an object at once, and what is in each deferred fragment on it."""
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
    """The object of a node, for a block."""
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
        enter(deferred, [base.subgraph for base in node.bases])
    else:
        deferred.bases = [_standing(deferred, base) for base in node.bases]
    return deferred


def _standing(node: ObjectNode, base: PathOption) -> PathOption:
    return PathOption(
        PathStep.DEFER,
        node,
        base.subgraph,
        base.type_name,
        base.stage,
        base.needs,
        scope=base.scope,
        parent=base,
    )
