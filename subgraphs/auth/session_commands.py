"""`mosafe auth sessions`: the operators' commands for the sessions of users."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from bank import values
from subgraphs.auth.audit_log.entry import Action, Subject
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.sessions.session_list import sort_key
from subgraphs.auth.sessions.session_service import revoke_ended_sessions
from subgraphs.kit.pages import MAX_PAGE, PageRequest
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.auth.domain import User
    from subgraphs.auth.sessions.session_list import ListedSession
    from subgraphs.auth.store.protocol import AuthStore


@click.group()
def sessions() -> None:
    """List and end the sessions of users."""


@sessions.command("list")
@click.argument("email")
def list_sessions(email: str) -> None:
    """List the sessions of a user that can be used, the newest first."""
    for session in asyncio.run(_list(email)):
        used = values.format_timestamp(session.last_used_at)
        name = "" if session.name is None else f"  {session.name}"
        click.echo(f"{session.id}  used {used}  {session.device.words}  {session.device.network or '-'}{name}")


@sessions.command("end")
@click.argument("email")
@click.option("--id", "session_id", help="End this session only; without it, all sessions of the user.")
def end(email: str, session_id: str | None) -> None:
    """End sessions of a user. Their tokens are invalid at once, for every process."""
    ended = asyncio.run(_end(email, session_id))
    if not ended and session_id is not None:
        raise click.ClickException("the user has no session with this id, or it has ended")
    click.echo(f"ended: {len(ended)}")


async def _list(email: str) -> list[ListedSession]:
    found: list[ListedSession] = []
    async with open_store() as store:
        user, now = await _user(store, email), values.now()
        page: Sequence[ListedSession] = ()
        while not found or len(page) > MAX_PAGE:
            after = sort_key(found[-1]) if found else None
            page = await store.session_list.page(user.id, PageRequest(MAX_PAGE, after=after), now)
            if not page:
                break
            found += page[:MAX_PAGE]
    return found


async def _end(email: str, session_id: str | None) -> Sequence[str]:
    async with open_store() as store, open_revocation_list(settings()) as revocations:
        user, now = await _user(store, email), values.now()
        log = await open_audit_log(settings(), store)
        entry = log.by_operator(Action.SESSIONS_ENDED, Subject.user(user.id), session=session_id or "all")
        ended = await store.session_list.end(user.id, now, only=session_id, audit=entry)
        await revoke_ended_sessions(store, revocations, now, user.id)
    return ended


async def _user(store: AuthStore, email: str) -> User:
    known = await store.credentials(email)
    if known is None:
        raise click.ClickException("no user has this e-mail address")
    return known.user
