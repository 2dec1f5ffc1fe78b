"""`cors`: which web pages may call the router from a browser."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from pydantic import model_validator

from router.settings.section import Section
from router.settings.types import Duration, HeaderName, Origin, Pattern, UrlPath
from servicekit.cors import ANY, matches_every_origin


class PathCors(Section):
    """The origins whose pages may call one path. For this path, they replace the origins in `cors`."""

    origins: tuple[Origin, ...] = ()
    """Origins whose pages may call the path; none if empty."""
    origin_patterns: tuple[Pattern, ...] = ()
    """Regular expressions for further origins."""


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
    paths: Mapping[UrlPath, PathCors] = {}
    """Other origins for some paths and the paths below them, for example for persisted documents:
    `{/graphql/public-rates: {origins: ["*"]}}`. The longest path counts. All other keys apply too."""

    @model_validator(mode="after")
    def _does_not_send_credentials_to_everyone(self) -> Cors:
        if self.enabled and not self.origins and not self.origin_patterns and not self.paths:
            raise ValueError("`enabled: true` needs `origins`, `origin_patterns` or `paths`")
        if not self.enabled and self.paths:
            raise ValueError("`paths` needs `enabled: true`")
        if self.allow_credentials and (_allows_all(self) or any(map(_allows_all, self.paths.values()))):
            raise ValueError("`allow_credentials` with origin * would give every site the user's session")
        return self


def _allows_all(section: Cors | PathCors) -> bool:
    return ANY in section.origins or matches_every_origin(section.origin_patterns)
