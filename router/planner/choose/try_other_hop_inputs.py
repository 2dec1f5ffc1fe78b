"""Try other inputs for the hops of a choice, to find a cheaper plan with the same fetches.

A hop can use another key, or read the fields of a key from another fetch of the choice. Example of another key:

    type in c:      type Product @key(fields: "sku region") @key(fields: "id")
    fields in a:    sku, region, id

For a hop from a into c, the key `id` is usually cheaper: the fetch from a then has one field less. But if the client
selects `sku` and `region`, the key `sku region` is cheaper, because it needs no further field. Likewise, if two fetches
can return a key field, the field is best read from the fetch that already selects this field for the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.walk.nodes_and_options import fetch_start

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from router.planner.choose.break_ties_by_plan_cost import CheapestChoice
    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.walk.nodes_and_options import FetchId, KeyChoice, PathOption


def break_key_ties(cheapest: CheapestChoice) -> None:
    """Try other inputs for each hop. `cheapest` keeps the best choice.

    Inputs are tried only if the fetches of the current choice can return them.
    """
    for start in cheapest.choice.chosen_fetches.hops_with_choice:
        chosen_fetches = cheapest.choice.chosen_fetches
        if start not in chosen_fetches.inputs:
            continue
        for other in _other_inputs(start, chosen_fetches.inputs[start], chosen_fetches.fetched):
            cheapest.offer(cheapest.choice.with_inputs({**chosen_fetches.inputs, start: other}))
            if cheapest.has_ended:
                return


def _other_inputs(start: PathOption, inputs: Inputs, fetched: Collection[FetchId]) -> Iterator[Inputs]:
    """Yield other inputs for a hop.

    First, the key stays the same, and one of its leaves is read from another fetch of the choice, at the same stage or
    an earlier one. Then the other keys of the hop are used.
    """
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
    """Return the inputs for a key: each leaf comes from the earliest chosen fetch that can return the leaf.

    Returns None if there is a leaf that no chosen fetch can return.
    """
    read: Inputs = ()
    for leaf in key_choice.leaves:
        options = [option for option in leaf.options if fetch_start(option).fetch_id in fetched]
        if not options:
            return None
        read = (*read, (leaf, min(options, key=lambda option: option.stage)))
    return read
