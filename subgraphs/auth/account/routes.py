"""All routes of the pages of a user's account, except for those to which mails lead (`pages.account_pages`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.auth.account.factor_page import factor_routes
from subgraphs.auth.account.session_page import session_routes
from subgraphs.auth.account.signed_in_pages import login_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.kit.service_routes import ServiceRoute


def account_routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    """Return the routes. `server` returns the running server; it raises Unavailable before the start-up."""
    return (*login_routes(server), *session_routes(server), *factor_routes(server))
