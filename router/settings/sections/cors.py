"""`cors`: which web pages may call the router from a browser."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

import re
from typing import Final

from pydantic import model_validator

from router.settings.section import Section
from router.settings.types import Duration, HeaderName, Origin, Pattern

_ANY_SITE: Final = "https://any-site.invalid"


class Cors(Section):
    """Which web pages may call the router from a browser."""

    enabled: bool = False
    """Whether CORS is on. If it is off, no page of another origin can read a response of the router."""
    origins: tuple[Origin, ...] = ()
    """Origins whose pages may call the router, as scheme://host[:port]. `https://*.example.com` allows all subdomains
    of a host; `*` allows all origins."""
    origin_patterns: tuple[Pattern, ...] = ()
    """Regular expressions for further origins. A pattern must match the whole origin, such as
    `https://pr-[0-9]+\\.example\\.com`."""
    loopback: bool = False
    """Whether pages of this machine (http://localhost, 127.0.0.1 or [::1], with any port) may call the router, even if
    `enabled` is false. In development, a missing key means `true`."""
    allow_headers: tuple[HeaderName, ...] | None = None
    """Request headers that a page of an allowed origin may set, besides `csrf.required_headers`. With `null`, a page
    may set all headers that its browser asks for."""
    expose_headers: tuple[HeaderName, ...] = ("x-request-id", "retry-after", "ratelimit", "ratelimit-policy")
    """Response headers that a page of an allowed origin may read."""
    allow_credentials: bool = False
    """Whether the browser may send cookies with the requests of a page of an allowed origin."""
    allow_private_network: bool = False
    """Whether pages of a public network may call a router on a private network (Private Network Access)."""
    max_age: Duration = 600.0
    """How long a browser may cache the response to a preflight request."""

    @model_validator(mode="after")
    def _does_not_send_credentials_to_everyone(self) -> Cors:
        if self.enabled and not self.origins and not self.origin_patterns:
            raise ValueError("`enabled: true` needs `origins` or `origin_patterns`")
        allows_all = "*" in self.origins or any(re.fullmatch(each, _ANY_SITE) for each in self.origin_patterns)
        if self.allow_credentials and allows_all:
            raise ValueError("`allow_credentials` with origin * would give every site the user's session")
        return self
