"""A request may read a whole history a limited number of times; tests/security has the attacks."""

from __future__ import annotations

import pytest
from graphql import GraphQLError

from subgraphs.transaction.history_read_limit import MAX_WHOLE_READS, WholeReads


def test_the_query_above_the_limit_is_refused() -> None:
    reads = WholeReads(limit=2)
    reads.begin()
    reads.begin()
    with pytest.raises(GraphQLError) as refused:
        reads.begin()
    assert (refused.value.extensions or {})["code"] == "QUERY_TOO_EXPENSIVE"


def test_the_limit_allows_a_year_of_months() -> None:
    reads = WholeReads()
    for _ in range(12):
        reads.begin()
    assert MAX_WHOLE_READS > 12
