"""`csrf`: protection against requests that a page of another site makes a browser send."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import HeaderName


class Csrf(Section):
    """Requests that a browser sends for any web page without a preflight request."""

    enabled: bool = True
    """Whether such requests are refused."""
    required_headers: tuple[HeaderName, ...] = ("x-apollo-operation-name", "apollo-require-preflight")
    """Request headers that require a preflight request; a request with one of these headers is accepted."""
