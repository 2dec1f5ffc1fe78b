"""Reads the parameters of a request: a form in the body, or the query of the URL (RFC 6749 §3.1, §3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from subgraphs.auth.oauth.errors import INVALID_REQUEST, OAuthError
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body

if TYPE_CHECKING:
    from starlette.requests import Request

FORM: Final = "application/x-www-form-urlencoded"
# A form has some tokens, ids and URLs, so it is much shorter. Also the limit of an authorization request's query.
MAX_BYTES: Final = 16_384
_MAX_FIELDS: Final = 50

Parameters = dict[str, str]


def parse(text: str) -> Parameters:
    """Return the parameters of a query or form. A parameter without a value counts as absent (RFC 6749 §3.1).

    Raises:
        OAuthError: `invalid_request`: the text is malformed or too long, or a parameter occurs twice.
    """
    if len(text) > MAX_BYTES:
        raise OAuthError(INVALID_REQUEST, "the request is too long")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise OAuthError(INVALID_REQUEST, "the parameters are malformed") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise OAuthError(INVALID_REQUEST, "a parameter occurs more than once")
    found = {name: value for name, value in pairs if value}
    if any("\0" in value for value in found.values()):
        raise OAuthError(INVALID_REQUEST, "a parameter has a character that is not allowed")
    return found


def query_of(request: Request) -> Parameters:
    """Return the parameters in the URL. Raises OAuthError as `parse` does."""
    query: bytes = request.scope["query_string"]
    try:
        return parse(query.decode("ascii"))
    except UnicodeDecodeError:
        raise OAuthError(INVALID_REQUEST, "the parameters are malformed") from None


async def form_of(request: Request) -> Parameters:
    """Return the parameters in the body. Raises OAuthError as `parse` does, and if the body is not a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError(INVALID_REQUEST, f"send the parameters as {FORM}", status=415)
    try:
        body = await read_body(request, MAX_BYTES)
        return parse(body.decode("utf-8"))
    except (BodyTooLarge, CodedBody):
        raise OAuthError(INVALID_REQUEST, "the body is too long or has a content coding", status=413) from None
    except UnicodeDecodeError:
        raise OAuthError(INVALID_REQUEST, "the parameters are malformed") from None
