"""Limits the number of queries of one request that read a whole history of transactions.

Three kinds of queries read every transaction of an account or a person: a count, a sum, and a list with a filter that
no index supports. Such a query may read thousands of transactions and return at most one object. So the limit on
returned objects does not stop it. If several accounts need the same query, it is run once for all of them, and counts
once (bank §2.13).
"""

from __future__ import annotations

from typing import Final

from graphql import GraphQLError

# The largest number of queries in one request that read a whole history. A request may ask for the turnover of each of
# twelve months, and run a few more of these queries.
MAX_HISTORY_READS: Final = 15


class HistoryReadLimit:
    """Counts the queries of one request that read a whole history."""

    def __init__(self, limit: int = MAX_HISTORY_READS) -> None:
        self._limit = limit
        self._begun = 0

    def begin(self) -> None:
        """Count one query before it is run.

        Raises:
            GraphQLError: the request has already run the allowed number of queries; the code is `QUERY_TOO_EXPENSIVE`.
        """
        if self._begun >= self._limit:
            raise GraphQLError(
                f"A request can have at most {self._limit} different counts, sums and lists with a condition other"
                " than time. Send several requests.",
                extensions={"code": "QUERY_TOO_EXPENSIVE", "limit": self._limit},
            )
        self._begun += 1
