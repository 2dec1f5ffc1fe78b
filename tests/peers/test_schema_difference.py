"""A sample of generated pairs of schemas; `python -m tests.router.schema_check.differential` compares more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.diff.compare_schemas import compare_schemas
from tests.peers.schema_difference import differences
from tests.router.schema_check.generate_schemas import generate_pair

if TYPE_CHECKING:
    from tests.peers.peers import Peers

COUNT = 60


def test_the_changes_are_those_of_graphql_inspector(peers: Peers) -> None:
    for seed in range(COUNT):
        pair = generate_pair(seed)
        found = list(differences(compare_schemas(pair.old, pair.new), peers.diff(pair.before, pair.after)))
        assert found == [], f"seed {seed}"
