"""Ties between keys: the same fetches can be entered with different values.

    c @key(fields: "sku region") @key(fields: "id")      a has sku, region and id

Reading `id` from `a` is one field less, unless the client asks for `sku` and `region` anyway. A value that two of the
fetches bring can be read from either; it costs nothing where the client asks for it.
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
    """Offer, for each fetch behind a key, the other values that it can be entered with; all come from fetches made."""
    for start in cheapest.choice.chosen_fetches.hops_with_choice:
        chosen_fetches = cheapest.choice.chosen_fetches
        if start not in chosen_fetches.inputs:
            continue
        for other in _other_inputs(start, chosen_fetches.inputs[start], chosen_fetches.fetched):
            cheapest.offer(cheapest.choice.with_inputs({**chosen_fetches.inputs, start: other}))
            if cheapest.has_ended:
                return


def _other_inputs(start: PathOption, inputs: Inputs, fetched: Collection[FetchId]) -> Iterator[Inputs]:
    """Inputs with one value read from another fetch that is no later, then those of the other keys."""
    for number, (leaf, chosen) in enumerate(inputs):
        for option in leaf.options:
            is_other = option is not chosen and fetch_start(option).fetch_id in fetched
            if is_other and option.stage <= chosen.stage:
                yield (*inputs[:number], (leaf, option), *inputs[number + 1 :])
    leaves = tuple(leaf for leaf, _ in inputs)
    for key_choice in start.key_choices:
        if key_choice.leaves != leaves:
            read = _read_from(key_choice, fetched)
            if read is not None:
                yield read


def _read_from(key_choice: KeyChoice, fetched: Collection[FetchId]) -> Inputs | None:
    """The leaves of a key with the earliest of the fetches that bring each, None if one is not fetched."""
    read: Inputs = ()
    for leaf in key_choice.leaves:
        options = [option for option in leaf.options if fetch_start(option).fetch_id in fetched]
        if not options:
            return None
        read = (*read, (leaf, min(options, key=lambda option: option.stage)))
    return read
