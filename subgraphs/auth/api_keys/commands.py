"""`mosafe auth api-keys`: the operators' commands for API keys. The service may be running."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from bank import values
from servicekit.errors import BadUserInput
from subgraphs.auth.api_keys import api_key as rules
from subgraphs.auth.api_keys.api_key import SCOPES, check_overlap, checked, digest, new_secret
from subgraphs.auth.api_keys.api_key_service import NewSecret, TooManyKeys, add_key
from subgraphs.auth.audit_log.entry import Action, Subject, SubjectKind
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.sessions.session_service import revoke_ended_sessions
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from subgraphs.auth.api_keys.api_key import ApiKey
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.domain import User
    from subgraphs.auth.store.protocol import AuthStore


@click.group("api-keys")
def api_key_commands() -> None:
    """Create, list, rotate and revoke API keys of machines."""


@api_key_commands.command("create")
@click.argument("email")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--scope", "scopes", type=click.Choice(sorted(SCOPES)), multiple=True, required=True)
@click.option("--days", type=click.IntRange(1, rules.MAX_DAYS), default=rules.DEFAULT_DAYS, show_default=True)
def create(email: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Create a key of the user with this e-mail address; its secret is printed once.

    For a service account, create a user first, whose password nobody keeps: `mosafe auth users create`.
    """
    _print_secret(asyncio.run(_create(email, name, frozenset(scopes), days)))


@api_key_commands.command("list")
@click.argument("email")
def list_keys(email: str) -> None:
    """List the keys of a user that are still valid, oldest first."""
    for key in asyncio.run(_list(email)):
        _print(key)


@api_key_commands.command("rotate")
@click.argument("key_id")
@click.option("--overlap-hours", type=int, default=24, show_default=True, help="How long the old secret stays valid.")
def rotate(key_id: str, overlap_hours: int) -> None:
    """Give a key a new secret, which is printed once. The old secret stays valid for a while."""
    _print_secret(asyncio.run(_rotate(key_id, overlap_hours)))


@api_key_commands.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """End a key at once and for every service."""
    asyncio.run(_revoke(key_id))
    click.echo(f"{key_id} is revoked")


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[AuthStore, AuditLog]]:
    async with open_store() as store:
        yield store, await open_audit_log(settings(), store)


async def _create(email: str, name: str, scopes: frozenset[str], days: int) -> NewSecret:
    async with _opened() as (store, log):
        user = await _user(store, email)
        try:
            key = checked(user.id, name, scopes, days, values.now())
        except BadUserInput as error:
            raise click.ClickException(error.message) from None
        entry = log.by_operator(Action.API_KEY_CREATED, _subject(key.id), scopes=" ".join(sorted(scopes)))
        created = await add_key(store, key, entry)
    if isinstance(created, TooManyKeys):
        raise click.ClickException(f"the user has {rules.MAX_KEYS} keys already; revoke one first")
    return created


async def _list(email: str) -> list[ApiKey]:
    async with _opened() as (store, _):
        return await store.api_keys.of_user((await _user(store, email)).id, values.now())


async def _rotate(key_id: str, overlap_hours: int) -> NewSecret:
    try:
        overlap = check_overlap(overlap_hours)
    except BadUserInput as error:
        raise click.ClickException(error.message) from None
    async with _opened() as (store, log):
        now, secret = values.now(), new_secret(key_id)
        entry = log.by_operator(Action.API_KEY_ROTATED, _subject(key_id), overlapHours=str(overlap_hours))
        rotated = await store.api_keys.rotate(key_id, digest(secret), now, now + overlap, entry)
        key = await store.api_keys.find(key_id, now)
        if not rotated or key is None:
            raise click.ClickException("no valid key has this id; see `mosafe auth api-keys list`")
        await _end_tokens(store, key, now)
    return NewSecret(key, secret)


async def _revoke(key_id: str) -> None:
    async with _opened() as (store, log):
        now = values.now()
        revoked = await store.api_keys.revoke(key_id, now, log.by_operator(Action.API_KEY_REVOKED, _subject(key_id)))
        key = await store.api_keys.find(key_id, now)
        if not revoked or key is None:
            raise click.ClickException("no valid key has this id; see `mosafe auth api-keys list`")
        await _end_tokens(store, key, now)


async def _end_tokens(store: AuthStore, key: ApiKey, now: datetime) -> None:
    """Make every process refuse the access tokens of a key whose sessions have ended."""
    async with open_revocation_list(settings()) as revocations:
        await revoke_ended_sessions(store, revocations, now, key.user_id)


async def _user(store: AuthStore, email: str) -> User:
    known = await store.credentials(email)
    if known is None:
        raise click.ClickException("no user has this e-mail address")
    return known.user


def _subject(key_id: str) -> Subject:
    return Subject(SubjectKind.API_KEY, key_id)


def _print_secret(new: NewSecret) -> None:
    _print(new.key)
    click.echo(f"secret: {new.secret}")


def _print(key: ApiKey) -> None:
    used = "never used" if key.last_used_at is None else f"last used {values.format_timestamp(key.last_used_at)}"
    scopes, ends = ",".join(sorted(key.scopes)), values.format_timestamp(key.expires_at)
    click.echo(f"{key.id}  {key.name}  {scopes}  until {ends}  {used}  {len(key.secrets_end_at)} secrets")
