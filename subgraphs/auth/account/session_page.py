"""The page with the user's sessions and applications: what each may do, and its end.

The consent to an application is remembered only while a grant of it lives, so removing the access of an application
also withdraws the consent. The user can also take single scopes away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from bank.scopes import OFFLINE_ACCESS
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.account.signed_in_pages import SESSIONS, Visitor, login_url, signed_in_page
from subgraphs.auth.displayed_times import moment_text
from subgraphs.auth.oauth.responses import message_page, redirect
from subgraphs.auth.oauth.scope_rules import DESCRIPTIONS
from subgraphs.kit.pages import MAX_PAGE, PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.requests import Request
    from starlette.responses import Response

    from subgraphs.auth.oauth.parameters import Parameters
    from subgraphs.auth.oauth.server import OAuthServer
    from subgraphs.auth.oauth.store import Grant
    from subgraphs.auth.sessions.session_list import ListedSession
    from subgraphs.kit.service_routes import ServiceRoute

# What the page says after a form, by the word in the URL.
_DONE: Final = {
    "session": "The session has ended.",
    "others": "All other sessions have ended.",
    "application": "The application has no access any more.",
    "narrowed": "The application may do less from now on. It gets a new access token in at most ten minutes.",
    "gone": "There is no such session any more.",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A session on the page; `scopes` are descriptions, and empty for a session of the user's own login."""

    id: str
    name: str
    network: str
    created: str
    used: str
    expires: str
    is_current: bool
    is_application: bool
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class _Application:
    """An application that has access.

    Attributes:
        scopes: what the user can take away from it: the scopes of all its sessions, with their descriptions.
        is_offline: whether it keeps its access while the user is not there.
    """

    client_id: str
    name: str
    since: str
    scopes: dict[str, str]
    is_offline: bool


def session_routes(server: Callable[[], OAuthServer]) -> tuple[ServiceRoute, ...]:
    return (signed_in_page(SESSIONS, server, _show, _submit),)


async def _show(visitor: Visitor, request: Request) -> Response:
    server, caller = visitor.server, visitor.caller
    listed = await server.services.directory.page(caller, PageRequest(limit=MAX_PAGE))
    grants = await server.oauth.live_grants(caller.user_id, None, server.clock())
    by_session = {grant.session_id: grant for grant in grants}
    values = {
        "action": SESSIONS,
        "rows": [_row(session, by_session.get(session.id), caller.session_id) for session in listed[:MAX_PAGE]],
        "has_more": len(listed) > MAX_PAGE,
        "applications": await _applications(server, grants),
        "done": _DONE.get(request.query_params.get("done", ""), ""),
    }
    return visitor.page("sessions.html", values)


def _row(session: ListedSession, grant: Grant | None, current: str) -> _Row:
    return _Row(
        session.id,
        session.name or session.device.words,
        session.device.network,
        moment_text(session.created_at),
        moment_text(session.last_used_at),
        moment_text(session.expires_at),
        session.id == current,
        grant is not None,
        [] if grant is None else _descriptions(grant.scopes),
    )


async def _applications(server: OAuthServer, grants: list[Grant]) -> list[_Application]:
    found = []
    for client_id in sorted({grant.client_id for grant in grants}):
        client = await server.oauth.client(client_id)
        own = [grant for grant in grants if grant.client_id == client_id]
        scopes = {scope for grant in own for scope in grant.scopes}
        since = moment_text(min(grant.granted_at for grant in own))
        # A grant without this scope would have refresh tokens that it may not use, so the user ends the grant instead.
        shown = {scope: text for scope, text in DESCRIPTIONS.items() if scope in scopes and scope != OFFLINE_ACCESS}
        name = client_id if client is None else client.name
        found.append(_Application(client_id, name, since, shown, OFFLINE_ACCESS in scopes))
    return sorted(found, key=lambda each: each.name)


async def _submit(visitor: Visitor, form: Parameters) -> Response:
    if not visitor.server.services.directory.is_recent(visitor.caller):
        return redirect(login_url(SESSIONS, again=True))
    done = await to_the_end(_changed(visitor, form))
    if form.get("end") == visitor.caller.session_id:
        return message_page("You are signed out", "The session of this browser has ended.")
    return redirect(SESSIONS if done is None else f"{SESSIONS}?done={done}")


async def _changed(visitor: Visitor, form: Parameters) -> str | None:
    """Do what a form of the page asks for. Return a key of `_DONE`; None for a form of nothing."""
    directory, caller = visitor.server.services.directory, visitor.caller
    match form:
        case {"end": session_id}:
            return "session" if await directory.end(caller, only=session_id) else "gone"
        case {"application": client_id}:
            return "application" if await _end_application(visitor, client_id) else "gone"
        case {"narrow": client_id}:
            kept = frozenset(scope for scope in DESCRIPTIONS if f"keep-{scope}" in form) - {OFFLINE_ACCESS}
            return await _narrow(visitor, client_id, kept)
        case {"others": _}:
            await directory.end(caller, but=caller.session_id)
            return "others"
    return None


async def _narrow(visitor: Visitor, client_id: str, kept: frozenset[str]) -> str:
    """Let an application do only what `kept` allows. A grant of which nothing is kept ends. Return a key of `_DONE`.

    Its refresh tokens give access tokens with the remaining scopes only, and it must ask for the others again.
    """
    server = visitor.server
    grants = await server.oauth.live_grants(visitor.caller.user_id, client_id, server.clock())
    for grant in grants:
        if grant.scopes & kept:
            await server.oauth.change_grant(grant.session_id, partial(_only, kept))
        else:
            await server.services.directory.end(visitor.caller, only=grant.session_id)
    if not grants:
        return "gone"
    return "narrowed" if any(grant.scopes & kept for grant in grants) else "application"


def _only(kept: frozenset[str], grant: Grant) -> Grant:
    return replace(grant, scopes=grant.scopes & {*kept, OFFLINE_ACCESS})


async def _end_application(visitor: Visitor, client_id: str) -> int:
    """End all grants of the user to an application; return their number."""
    server = visitor.server
    grants = await server.oauth.live_grants(visitor.caller.user_id, client_id, server.clock())
    for grant in grants:
        await server.services.directory.end(visitor.caller, only=grant.session_id)
    return len(grants)


def _descriptions(scopes: Collection[str]) -> list[str]:
    return [text for scope, text in DESCRIPTIONS.items() if scope in scopes]
