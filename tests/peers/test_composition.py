"""Our composition answers as Apollo's does, on generated sets of subgraphs (`make fuzz-composition` runs many more)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.peers.fuzz import run

if TYPE_CHECKING:
    from tests.peers.peers import Peers

SEED = 100
SHARDS = 4
COUNT = 100


@pytest.mark.parametrize("shard", range(SHARDS))
def test_generated_sets_of_subgraphs_get_apollos_answer(peers: Peers, shard: int) -> None:
    tally = run(peers, SEED + shard, COUNT)
    unexplained = {seed: str(one) for seed, one in tally.differences.items() if seed not in tally.deviations}
    assert unexplained == {}
    assert tally.slow == []
    assert tally.compared > COUNT / 2, tally
    assert tally.composed > COUNT / 10, tally
