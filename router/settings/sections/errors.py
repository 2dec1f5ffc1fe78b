"""`errors`: what clients see of the errors of subgraphs."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.types import IsNumber

ErrorCode = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_.:-]+$")]
ErrorStatus = Annotated[int, Field(ge=400, le=599), IsNumber]


class AllowedErrors(Section):
    """Which errors of a subgraph clients see unchanged."""

    allow_codes: tuple[str, ...] = ()
    """Values of `extensions.code`; errors with one of them keep their message."""
    allow_extensions: tuple[str, ...] = ()
    """Other keys of `extensions` that such errors keep."""


class TransportCodes(Section):
    """The `extensions.code` for each way in which a subgraph can fail to respond."""

    unreachable: ErrorCode = "SUBREQUEST_HTTP_ERROR"
    """No connection, a broken connection, or a status other than 2xx without a GraphQL response."""
    timeout: ErrorCode = "GATEWAY_TIMEOUT"
    """No complete response in time."""
    malformed: ErrorCode = "SUBREQUEST_MALFORMED_RESPONSE"
    """A response that is not a GraphQL response, or is too large."""


class Errors(AllowedErrors):
    """What clients see of the errors of subgraphs."""

    mask: bool = True
    """Whether errors of subgraphs are replaced; `false` shows them unchanged to clients, for development."""
    message: str = Field("Unexpected error", min_length=1)
    """The message that replaces a masked one."""
    subgraphs: Mapping[str, AllowedErrors] = {}
    """What clients see of the errors of one subgraph in addition, by subgraph name."""
    transport_codes: TransportCodes = TransportCodes()
    """The `extensions.code` for each way in which a subgraph can fail to respond."""
    status: Mapping[ErrorCode, ErrorStatus] = {}
    """HTTP status of a response without data, by error code; the first error with a listed code decides."""
