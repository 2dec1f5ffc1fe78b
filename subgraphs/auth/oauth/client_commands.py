"""`mosafe auth clients`: the operators' commands for the clients of the authorization server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click

from bank import values
from bank.scopes import EMAIL, OFFLINE_ACCESS, OPENID, PROFILE
from subgraphs.auth.audit_log.entry import Action, Subject, SubjectKind
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.domain import Role
from subgraphs.auth.oauth.clients import Client, GrantType, new_client_id, new_secret, problems, secret_digest
from subgraphs.auth.oauth.oauth_tokens import MACHINE_SESSION
from subgraphs.auth.oauth.registration_endpoint import initial_access_ticket
from subgraphs.auth.oauth.scope_rules import DESCRIPTIONS
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.sessions.session_service import revoke
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.oauth.store import Ticket
    from subgraphs.auth.store.protocol import AuthStore

# Short names of the grant types for the command line.
_GRANT_TYPES: Final = {
    "code": GrantType.AUTHORIZATION_CODE,
    "refresh": GrantType.REFRESH_TOKEN,
    "credentials": GrantType.CLIENT_CREDENTIALS,
    "device": GrantType.DEVICE_CODE,
}
_DEFAULT_GRANT_TYPES: Final = ("code", "refresh")
_DEFAULT_SCOPES: Final = (OPENID, PROFILE, EMAIL, OFFLINE_ACCESS)
_UNKNOWN: Final = "no application has this id; see `mosafe auth clients list`"


class _Options(TypedDict):
    """The options of `create`."""

    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    public: bool
    dpop: bool
    par: bool


@click.group()
def clients() -> None:
    """Register applications that users may let act for them (docs/oauth.md)."""


@clients.command("create")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where users return to; compared exactly.")
@click.option("--post-logout-redirect-uri", "logout_uris", multiple=True, help="Where users return to after a logout.")
@click.option(
    "--grant",
    "grants",
    type=click.Choice(list(_GRANT_TYPES)),
    multiple=True,
    default=_DEFAULT_GRANT_TYPES,
    show_default=True,
    help="How the application gets tokens.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(DESCRIPTIONS)),
    multiple=True,
    default=_DEFAULT_SCOPES,
    show_default=True,
    help="What the application may ask for.",
)
@click.option("--role", "roles", type=click.Choice([Role.SUPPORT, Role.ADMIN]), multiple=True, help="Its own roles.")
@click.option("--public", is_flag=True, help="For applications that cannot keep a secret: browsers, phones, desktops.")
@click.option("--dpop", is_flag=True, help="All its access tokens are bound to a key of it (DPoP, RFC 9449).")
@click.option("--par", is_flag=True, help="All its authorization requests must be pushed (PAR, RFC 9126).")
def create(name: str, **options: Unpack[_Options]) -> None:
    """Register the application NAME; its secret is printed once."""
    secret = None if options["public"] else new_secret()
    client = Client(
        new_client_id(),
        name,
        values.now(),
        None if secret is None else secret_digest(secret),
        options["redirect_uris"],
        options["logout_uris"],
        frozenset(_GRANT_TYPES[each] for each in options["grants"]),
        frozenset(options["scopes"]),
        frozenset(options["roles"]),
        requires_pushed_requests=options["par"],
        requires_dpop=options["dpop"],
    )
    if found := problems(client):
        raise click.ClickException("; ".join(found))
    asyncio.run(_add(client))
    click.echo(f"client_id: {client.id}")
    if secret is not None:
        click.echo(f"client_secret: {secret}")


@clients.command("invite")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(DESCRIPTIONS)),
    multiple=True,
    default=_DEFAULT_SCOPES,
    show_default=True,
    help="What the application may ask for.",
)
@click.option("--days", type=click.IntRange(1, 90), default=1, show_default=True, help="How long the token is valid.")
def invite(scopes: tuple[str, ...], days: int) -> None:
    """Create an initial access token, with which one application registers itself (RFC 7591)."""
    token, wanted, now = new_secret(), frozenset(scopes), values.now()
    ticket = initial_access_ticket(token, wanted, now + timedelta(days=days))
    asyncio.run(_add_invitation(ticket, wanted, now))
    click.echo(f"initial_access_token: {token}")


@clients.command("list")
def list_clients() -> None:
    """List all applications, the oldest first."""
    for client in asyncio.run(_all()):
        kind = "public" if client.is_public else "confidential"
        grants = ",".join(short for short, grant in _GRANT_TYPES.items() if grant in client.grant_types)
        scopes = " ".join(sorted(client.scopes))
        click.echo(f"{client.id}  {values.format_timestamp(client.created_at)}  {kind:12}  {grants}  {client.name}")
        par = "; only pushed requests" if client.requires_pushed_requests else ""
        click.echo(f"    scopes: {scopes}{'; always with DPoP' if client.requires_dpop else ''}{par}")
        for uri in client.redirect_uris:
            click.echo(f"    {uri}")


@clients.command("rotate-secret")
@click.argument("client_id")
def rotate_secret(client_id: str) -> None:
    """Replace the secret of an application; the new one is printed once, the old one is invalid at once."""
    secret = new_secret()
    asyncio.run(_replace_secret(client_id, secret))
    click.echo(f"client_secret: {secret}")


@clients.command("remove")
@click.argument("client_id")
def remove(client_id: str) -> None:
    """Delete an application. All its tokens are invalid at once, for every process."""
    ended = asyncio.run(_remove(client_id))
    click.echo(f"removed; {ended} session(s) of users ended")


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[AuthStore, AuditLog]]:
    async with open_store() as store:
        yield store, await open_audit_log(settings(), store)


def _subject(client_id: str) -> Subject:
    return Subject(SubjectKind.CLIENT, client_id)


async def _add(client: Client) -> None:
    facts = {"scopes": " ".join(sorted(client.scopes)), "roles": " ".join(sorted(client.roles))}
    async with _opened() as (store, log):
        details = {name: text for name, text in facts.items() if text}
        entry = log.by_operator(Action.CLIENT_CREATED, _subject(client.id), **details)
        await store.oauth.add_client(client, audit=entry)


async def _add_invitation(ticket: Ticket, scopes: frozenset[str], now: datetime) -> None:
    async with _opened() as (store, log):
        subject = Subject(SubjectKind.INVITATION, ticket.digest.hex())
        entry = log.by_operator(Action.CLIENT_INVITED, subject, scopes=" ".join(sorted(scopes)))
        await store.oauth.add_ticket(ticket, now, audit=entry)


async def _all() -> list[Client]:
    async with open_store() as store:
        return await store.oauth.clients()


async def _known(store: AuthStore, client_id: str) -> Client:
    client = await store.oauth.client(client_id)
    if client is None:
        raise click.ClickException(_UNKNOWN)
    return client


async def _replace_secret(client_id: str, secret: str) -> None:
    async with _opened() as (store, log):
        client = await _known(store, client_id)
        if client.is_public:
            raise click.ClickException("a public application has no secret")
        entry = log.by_operator(Action.CLIENT_SECRET_ROTATED, _subject(client_id))
        await store.oauth.replace_client(replace(client, secret_digest=secret_digest(secret)), audit=entry)


async def _remove(client_id: str) -> int:
    async with _opened() as (store, log):
        await _known(store, client_id)
        entry = log.by_operator(Action.CLIENT_REMOVED, _subject(client_id))
        sessions = await store.oauth.remove_client(client_id, audit=entry)
        if sessions is None:
            raise click.ClickException(_UNKNOWN)
        async with open_revocation_list(settings()) as revocations:
            for session_id in sessions:
                await store.end_session(session_id, values.now())
                await revoke(revocations, session_id, values.now())
            await revoke(revocations, f"{MACHINE_SESSION}{client_id}", values.now())
    return len(sessions)
