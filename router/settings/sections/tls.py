"""`tls`: which processes may call the router, if it serves mutual TLS."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Identity, Port, UrlPath


class CallerRule(Section):
    """Which processes may call a path."""

    path: UrlPath
    """The path. It stands for itself and all paths below it. If several rules match, the one with the longest path
    decides."""
    identities: tuple[Identity, ...]
    """The identities that may call the path: URIs in their certificates, such as `spiffe://example/gateway`."""


class Tls(Section):
    """Mutual TLS.

    The router serves it if the environment variables MOSAFE_TLS_CERT_FILE, MOSAFE_TLS_KEY_FILE and MOSAFE_TLS_CA_FILE
    are set. Then each client needs a certificate of the authorities in the third file.
    """

    identity: Identity | None = None
    """The identity that the router's own certificate must have; null for any."""
    health_port: Port | None = None
    """With mutual TLS, the port for health probes, which have no certificates. It serves plain HTTP, and only the paths
    of health checks. The environment variable MOSAFE_HEALTH_PORT replaces it, and MOSAFE_HEALTH_HOST has its
    address."""
    callers: tuple[CallerRule, ...] = ()
    """Which processes may call which paths. A path without a rule is refused with 403 for every caller."""
