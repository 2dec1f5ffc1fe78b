"""Makes the CORS policy of the router from `cors` and `csrf` in router.yaml (see `servicekit.cors`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicekit.cors import CorsByPath, CorsRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.settings import RouterSettings


def cors_policies(settings: RouterSettings, methods: Sequence[str]) -> CorsByPath:
    """Return the policies. A page may always set the headers that the CSRF check requires."""
    cors = settings.cors
    if not cors.enabled and not cors.loopback:
        return CorsByPath(None)
    allowed = cors.allow_headers
    rules = CorsRules(
        origins=cors.origins if cors.enabled else (),
        loopback=cors.loopback,
        origin_patterns=cors.origin_patterns if cors.enabled else (),
        allow_private_network=cors.allow_private_network,
        methods=methods,
        allow_headers=tuple(dict.fromkeys((*allowed, *settings.csrf.required_headers)))
        if allowed is not None
        else None,
        expose_headers=cors.expose_headers,
        allow_credentials=cors.allow_credentials,
        max_age=cors.max_age,
    )
    paths = cors.paths if cors.enabled else {}
    return CorsByPath(
        rules,
        {
            path: msgspec.structs.replace(rules, origins=each.origins, origin_patterns=each.origin_patterns)
            for path, each in paths.items()
        },
    )
