"""Bounds the queries of one request that read a whole history, however few objects they return.

A count, a sum, or a list with a condition that no index has, reads every transaction of an account or a person. Such a
query returns one object or none, so the limit on objects does not bound it. One query serves all accounts that ask for
the same, so accounts do not count (bank §2.13).
"""

from __future__ import annotations

from typing import Final

from graphql import GraphQLError

# Twelve months of turnover, and some more.
MAX_WHOLE_READS: Final = 15


class WholeReads:
    """Counts these queries in one request."""

    def __init__(self, limit: int = MAX_WHOLE_READS) -> None:
        self._limit = limit
        self._begun = 0

    def begin(self) -> None:
        """Count one query before it is run.

        Raises:
            GraphQLError: the request has already run as many as are allowed; `QUERY_TOO_EXPENSIVE` with `limit`.
        """
        if self._begun >= self._limit:
            raise GraphQLError(
                f"A request can have at most {self._limit} different counts, sums and lists with a condition other"
                " than time. Send several requests.",
                extensions={"code": "QUERY_TOO_EXPENSIVE", "limit": self._limit},
            )
        self._begun += 1
