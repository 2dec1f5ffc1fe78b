"""A request may read a whole history a limited number of times; tests/security has the attacks."""

from __future__ import annotations

import pytest
from graphql import GraphQLError

from subgraphs.transaction.history_read_limit import MAX_HISTORY_READS, HistoryReadLimit


def test_the_query_above_the_limit_is_refused() -> None:
    reads = HistoryReadLimit(limit=2)
    reads.begin()
    reads.begin()
    with pytest.raises(GraphQLError) as refused:
        reads.begin()
    assert (refused.value.extensions or {})["code"] == "QUERY_TOO_EXPENSIVE"


def test_the_limit_allows_a_year_of_months() -> None:
    reads = HistoryReadLimit()
    for _ in range(12):
        reads.begin()
    assert MAX_HISTORY_READS > 12
