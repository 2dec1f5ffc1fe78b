"""Refuses requests that a web page of another origin may have caused (cross-site request forgery).

A browser sends a CORS preflight before a request of another origin, unless the request is "simple": a GET, or a POST
with the content type of a form. A request is accepted if it has one of these:

    a header in `csrf.required_headers`          the request is not simple
    a content type that a form cannot have       the request is not simple
    Sec-Fetch-Site: same-origin | none           a page of the same origin sent it, or the user typed the address
    none of Sec-Fetch-Site, Origin and Cookie    no browser sent it, or it has no credentials of the user

Every browser since 2023 sends `Sec-Fetch-Site`, and no page can forge this header. The last line is for older browsers
and for other clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.server.http_refusals import HttpRefusal
from servicekit.accept import parse_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings.sections.csrf import Csrf

# A browser sends these content types without a preflight: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_TRUSTED_SITES = frozenset({"same-origin", "none"})
_BROWSER_HEADERS = ("origin", "cookie")


def check(headers: Mapping[str, str], csrf: Csrf) -> None:
    """Raise `HttpRefusal` if a page of another origin may have caused the request."""
    if not csrf.enabled or _needs_preflight(headers, csrf):
        return
    site = headers.get("sec-fetch-site")
    trusted = site in _TRUSTED_SITES if site is not None else not any(name in headers for name in _BROWSER_HEADERS)
    if not trusted:
        raise HttpRefusal(
            "CSRF_BLOCKED",
            "A page of another origin may have caused this request. Send it with the content type application/json"
            f" or with one of the headers {', '.join(csrf.required_headers)}.",
        )


def _needs_preflight(headers: Mapping[str, str], csrf: Csrf) -> bool:
    if any(name in headers for name in csrf.required_headers):
        return True
    media_type = parse_value(headers.get("content-type", "")).value
    return bool(media_type) and media_type not in _FORM_TYPES
