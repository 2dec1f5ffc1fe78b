"""`csrf`: protection against cross-site request forgery (a page of another site makes a browser send a request)."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import HeaderName


class Csrf(Section):
    """Protection against cross-site request forgery: a page of another site makes a browser send a request.

    Before most requests of such a page, the browser asks the router for permission in a preflight request. Simple
    requests, for example with the content of a form, are sent without a preflight request.
    """

    enabled: bool = True
    """Whether the router refuses requests that a browser can send without a preflight request."""
    required_headers: tuple[HeaderName, ...] = ("x-apollo-operation-name", "apollo-require-preflight")
    """The router accepts a request with one of these headers, because a browser sends such a header only after a
    preflight request."""
