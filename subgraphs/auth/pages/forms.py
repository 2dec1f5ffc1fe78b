"""Forms of the pages: reads them, and refuses those that another site has sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from servicekit.errors import BadUserInput, Forbidden
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body

if TYPE_CHECKING:
    from starlette.requests import Request

# A form of these pages has a token, an address and a password, so it is much shorter.
_MAX_BYTES: Final = 16_384
_MAX_FIELDS: Final = 20
_FORM: Final = "application/x-www-form-urlencoded"


def query_value(request: Request, name: str) -> str:
    """Return a value in the URL; an empty text if there is none, or more than one."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 else ""


async def read_form(request: Request, own_origin: str) -> dict[str, str]:
    """Return the fields of a form that a page of this service has sent.

    Args:
        request: the request with the form.
        own_origin: the origin of the pages, such as `https://id.example.com`.

    Raises:
        Forbidden: another site has sent the form.
        BadUserInput: the body is not a form, is too long, or has a field twice.
    """
    _refuse_other_sites(request, own_origin)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise BadUserInput("A form is expected")
    try:
        body = await read_body(request, _MAX_BYTES)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except (BodyTooLarge, CodedBody, ValueError):
        raise BadUserInput("The form is malformed or too long") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadUserInput("The form has a field twice")
    return dict(pairs)


def _refuse_other_sites(request: Request, own_origin: str) -> None:
    """Raise Forbidden if a browser says that another site has sent the request.

    A browser sends `Sec-Fetch-Site` (Fetch Metadata), an older one at least `Origin`. These pages have no cookie that
    another site could use, so this only prevents that a site makes a user's browser use a link of the site's owner.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_foreign = site not in {"same-origin", "none"} if site is not None else origin not in {None, own_origin}
    if is_foreign:
        raise Forbidden("The form does not come from a page of this service")
