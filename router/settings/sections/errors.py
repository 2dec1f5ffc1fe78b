"""`errors`: what clients see of what went wrong."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from router.settings.section import IsNumber, Section

ErrorCode = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_.:-]+$")]
ErrorStatus = Annotated[int, Field(ge=400, le=599), IsNumber]


class ErrorPassage(Section):
    """Which errors of a subgraph clients see as they are."""

    allow_codes: tuple[str, ...] = ()
    """Values of `extensions.code` with which an error keeps its message."""
    allow_extensions: tuple[str, ...] = ()
    """Other keys of `extensions` that such an error keeps."""


class TransportCodes(Section):
    """The `extensions.code` for each way in which a subgraph can fail to answer."""

    unreachable: ErrorCode = "SUBREQUEST_HTTP_ERROR"
    """No connection, a broken one, or a status that is not 2xx without a GraphQL response."""
    timeout: ErrorCode = "GATEWAY_TIMEOUT"
    """No whole answer in time."""
    malformed: ErrorCode = "SUBREQUEST_MALFORMED_RESPONSE"
    """An answer that is not a GraphQL response, or is too large."""


class Errors(ErrorPassage):
    """What clients see of the errors of subgraphs."""

    mask: bool = True
    """Whether what a subgraph says is replaced; `false` shows clients all of it, for development."""
    message: str = Field("Unexpected error", min_length=1)
    """What stands in for a message that is hidden."""
    subgraphs: Mapping[str, ErrorPassage] = {}
    """What is allowed for one subgraph besides, by its name."""
    transport_codes: TransportCodes = TransportCodes()
    """The `extensions.code` for each way in which a subgraph can fail to answer."""
    status: Mapping[ErrorCode, ErrorStatus] = {}
    """HTTP status of an answer without data, by the code of its first error that is listed here."""
