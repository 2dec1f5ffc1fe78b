"""Chooses the HTTP status of a response (execution §18).

The setting `errors.status` maps error codes to statuses. If a response has no data, the first error code with a status
in this setting decides. In all other cases, the media type and the `Outcome` of the response decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from router.request.request_and_response import Outcome
from router.server.media_types import MediaType

if TYPE_CHECKING:
    from router.request.request_and_response import GraphQLResponse

STATUS: Mapping[MediaType, Mapping[Outcome, int]] = {
    MediaType.GRAPHQL_RESPONSE: {
        Outcome.EXECUTED: 200,
        Outcome.REFUSED: 400,
        Outcome.NOT_READ_ONLY: 405,
        Outcome.UNKNOWN_DOCUMENT: 200,
        Outcome.TIMED_OUT: 504,
        Outcome.FAILED: 500,
    },
    MediaType.JSON: {
        Outcome.EXECUTED: 200,
        Outcome.REFUSED: 200,
        Outcome.NOT_READ_ONLY: 405,
        Outcome.UNKNOWN_DOCUMENT: 200,
        Outcome.TIMED_OUT: 504,
        Outcome.FAILED: 500,
    },
}


class Statuses:
    """Chooses the statuses of responses. `by_code` has statuses by error code (the setting `errors.status`)."""

    def __init__(self, by_code: Mapping[str, int]) -> None:
        self._by_code = by_code

    def of(self, response: GraphQLResponse, media_type: MediaType) -> int:
        """Return the HTTP status of a response that is sent with this media type."""
        if self._by_code and "errors" in response.body and not _has_data(response.body):
            for code in _codes(response.body["errors"]):
                if code in self._by_code:
                    return self._by_code[code]
        return STATUS[media_type][response.outcome]


def _has_data(body: Mapping[str, object]) -> bool:
    """Return whether any root field of the response has a value other than null."""
    data = body.get("data")
    return isinstance(data, Mapping) and any(value is not None for value in data.values())


def _codes(errors: object) -> list[str]:
    entries = errors if isinstance(errors, list) else []
    codes = (entry.get("extensions", {}).get("code") for entry in entries)
    return [code for code in codes if isinstance(code, str)]
