"""A sample of generated pairs of schemas; `python -m tests.router.schema_check.differential` compares more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema

from router.schema_check.diff.compare_schemas import compare_schemas
from tests.peers.schema_deviations import DEVIATIONS, Deviation, as_table
from tests.peers.schema_difference import LEVELS, differences
from tests.router.schema_check.generate_schemas import generate_pair

if TYPE_CHECKING:
    from tests.peers.peers import Peers

COUNT = 60


def test_the_changes_are_those_of_graphql_inspector(peers: Peers) -> None:
    for seed in range(COUNT):
        pair = generate_pair(seed)
        found = list(differences(compare_schemas(pair.old, pair.new), peers.diff(pair.before, pair.after)))
        assert found == [], f"seed {seed}"


@pytest.mark.parametrize("row", DEVIATIONS, ids=lambda row: row.change)
def test_a_row_of_the_deviations_says_how_both_judge(row: Deviation, peers: Peers) -> None:
    ours = [change for change in compare_schemas(build_schema(row.old), build_schema(row.new)) if row.applies(change)]
    theirs = [change for change in peers.diff(row.old, row.new) if change["type"] == row.their_name]
    assert [change.severity for change in ours] == [row.ours]
    assert [LEVELS[change["level"]] for change in theirs] == [row.theirs]
    assert list(differences(ours, theirs)) == []


def test_the_documentation_has_the_deviations() -> None:
    assert as_table() in Path("docs/schema-checks.md").read_text(encoding="utf-8")
