"""Break ties between the inputs of hops: the same fetches can use different keys, or keys from different fetches.

    c @key(fields: "sku region") @key(fields: "id")      a has sku, region and id

The key `id` costs one field less in the fetch from `a`, unless the client selects `sku` and `region` anyway. If two
fetches can return a key field, the field costs nothing in the fetch where the client selects it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.walk.nodes_and_options import fetch_start

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from router.planner.choose.cheapest_choice import CheapestChoice
    from router.planner.choose.chosen_paths import Inputs
    from router.planner.walk.nodes_and_options import FetchId, KeyChoice, PathOption


def break_key_ties(cheapest: CheapestChoice) -> None:
    """Offer, for each hop, the other inputs that the fetches of the choice can return."""
    for start in cheapest.choice.chosen_fetches.hops_with_choice:
        chosen_fetches = cheapest.choice.chosen_fetches
        if start not in chosen_fetches.inputs:
            continue
        for other in _other_inputs(start, chosen_fetches.inputs[start], chosen_fetches.fetched):
            cheapest.offer(cheapest.choice.with_inputs({**chosen_fetches.inputs, start: other}))
            if cheapest.has_ended:
                return


def _other_inputs(start: PathOption, inputs: Inputs, fetched: Collection[FetchId]) -> Iterator[Inputs]:
    """Yield the inputs with one leaf from another fetch of no later stage, then the inputs of the other keys."""
    for number, (leaf, chosen) in enumerate(inputs):
        for option in leaf.options:
            is_other = option is not chosen and fetch_start(option).fetch_id in fetched
            if is_other and option.stage <= chosen.stage:
                yield (*inputs[:number], (leaf, option), *inputs[number + 1 :])
    leaves = tuple(leaf for leaf, _ in inputs)
    for key_choice in start.key_choices:
        if key_choice.leaves != leaves:
            read = _inputs_of_key(key_choice, fetched)
            if read is not None:
                yield read


def _inputs_of_key(key_choice: KeyChoice, fetched: Collection[FetchId]) -> Inputs | None:
    """Return the leaves of a key, each from the earliest possible fetch, or None if a leaf is in no fetch."""
    read: Inputs = ()
    for leaf in key_choice.leaves:
        options = [option for option in leaf.options if fetch_start(option).fetch_id in fetched]
        if not options:
            return None
        read = (*read, (leaf, min(options, key=lambda option: option.stage)))
    return read
