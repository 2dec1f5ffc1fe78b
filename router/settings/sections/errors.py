"""`errors`: what clients see of the errors of subgraphs."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.types import IsNumber

ErrorCode = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_.:-]+$")]
ErrorMessage = Annotated[str, Field(min_length=1)]
ErrorStatus = Annotated[int, Field(ge=400, le=599), IsNumber]


class AllowedErrors(Section):
    """Which errors of a subgraph keep their message, and which `extensions` these errors keep."""

    allow_codes: tuple[str, ...] = ()
    """Values of `extensions.code`. An error with one of these codes keeps its message."""
    allow_extensions: tuple[str, ...] = ()
    """Keys of `extensions`, besides `code`, that an error with an allowed code keeps."""


class TransportCodes(Section):
    """The `extensions.code` of the error that clients get if a subgraph does not respond correctly."""

    unreachable: ErrorCode = "SUBREQUEST_HTTP_ERROR"
    """The code if a connection fails or breaks, or if the status is not 2xx and the body is not a GraphQL response."""
    timeout: ErrorCode = "GATEWAY_TIMEOUT"
    """The code if the subgraph sends no complete response in time."""
    malformed: ErrorCode = "SUBREQUEST_MALFORMED_RESPONSE"
    """The code if a response is not a GraphQL response, or is too large."""


class Errors(AllowedErrors):
    """What clients see of the errors of subgraphs."""

    mask: bool = True
    """Whether errors of subgraphs are masked: the router replaces the message and the `extensions`. With `false`,
    clients get the errors unchanged. In development, a missing key means `false`."""
    message: str = Field("Unexpected error", min_length=1)
    """The message that replaces the message of a masked error."""
    messages: Mapping[ErrorCode, ErrorMessage] = {}
    """Maps values of `extensions.code` to messages. A masked error with one of these codes gets the message of its code
    here. It keeps its code, and an `extensions.retryAfter` that is a whole number."""
    subgraphs: Mapping[str, AllowedErrors] = {}
    """For each subgraph name, further values of `allow_codes` and `allow_extensions` for this subgraph only."""
    transport_codes: TransportCodes = TransportCodes.model_construct()
    """The `extensions.code` of the error that clients get if a subgraph does not respond correctly."""
    status: Mapping[ErrorCode, ErrorStatus] = {}
    """For each error code, the HTTP status of a response without data. If the response has several errors, the first
    error with a code listed here determines the status."""
