"""Ties between keys: the same fetches can be entered with different values.

    c @key(fields: "sku region") @key(fields: "id")      a has sku, region and id

Reading `id` from `a` is one field less, unless the client asks for `sku` and `region` anyway. A value that two of the
fetches bring can be read from either; it costs nothing where the client asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.walk.nodes_and_options import root_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from router.planner.choose.cheapest_choice import CheapestChoice
    from router.planner.choose.path_selection import Inputs
    from router.planner.walk.nodes_and_options import KeyChoice, PathOption, RootKey


def break_key_ties(cheapest: CheapestChoice) -> None:
    """Offer, for each fetch behind a key, the other values that it can be entered with; all come from fetches made."""
    for root in cheapest.choice.costing.unforced:
        costing = cheapest.choice.costing
        if root not in costing.inputs:
            continue
        for other in _other_inputs(root, costing.inputs[root], costing.fetched):
            cheapest.offer(cheapest.choice.with_inputs({**costing.inputs, root: other}))
            if cheapest.has_ended:
                return


def _other_inputs(root: PathOption, inputs: Inputs, fetched: Collection[RootKey]) -> Iterator[Inputs]:
    """Inputs with one value read from another fetch that is no later, then those of the other keys."""
    for number, (leaf, chosen) in enumerate(inputs):
        for option in leaf.options:
            is_other = option is not chosen and root_of(option).key in fetched
            if is_other and option.stage <= chosen.stage:
                yield (*inputs[:number], (leaf, option), *inputs[number + 1 :])
    leaves = tuple(leaf for leaf, _ in inputs)
    for key_choice in root.key_choices:
        if key_choice.leaves != leaves:
            read = _read_from(key_choice, fetched)
            if read is not None:
                yield read


def _read_from(key_choice: KeyChoice, fetched: Collection[RootKey]) -> Inputs | None:
    """The leaves of a key with the earliest of the fetches that bring each, None if one is not fetched."""
    read: Inputs = ()
    for leaf in key_choice.leaves:
        options = [option for option in leaf.options if root_of(option).key in fetched]
        if not options:
            return None
        read = (*read, (leaf, min(options, key=lambda option: option.stage)))
    return read
