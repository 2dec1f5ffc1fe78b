"""`mosafe auth keys`: the operators' commands for the keys that sign access tokens.

The commands change the store. A running service reads the keys again every few seconds (`key_ring.READ_AGAIN`).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from bank import values
from servicekit.errors import ConfigurationError
from subgraphs.auth.audit_log.entry import Action, Subject, SubjectKind
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.key_ring import KeyInUse, KeyRing
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.resealing import Resealing, replace_secret_file
from subgraphs.auth.signing_keys import KeyVault, published, signing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.signing_keys import SigningKey


@click.group()
def keys() -> None:
    """Manage the keys that sign access tokens."""


@keys.command("list")
def list_keys() -> None:
    """List the stored keys, oldest first."""
    asyncio.run(_print_keys())


@keys.command("rotate")
@click.option(
    "--withdraw",
    is_flag=True,
    help="For a key that leaked: sign with the new key at once; access tokens of all other keys become invalid.",
)
def rotate(*, withdraw: bool) -> None:
    """Publish a new key; it signs as soon as every verifier has had time to fetch it."""
    asyncio.run(_rotate(withdraw=withdraw))
    asyncio.run(_print_keys())


# A key id may begin with a hyphen.
@keys.command("retire", context_settings={"ignore_unknown_options": True})
@click.argument("key_id")
@click.option("--now", "at_once", is_flag=True, help="Even if the key's tokens are valid; they become invalid.")
def retire(key_id: str, *, at_once: bool) -> None:
    """Delete a key. A key whose tokens are still valid is only deleted with --now."""
    outcome = asyncio.run(_retire(key_id, at_once=at_once))
    if outcome is None:
        raise click.ClickException("there is no key with this id; see `mosafe auth keys list`")
    if isinstance(outcome, KeyInUse):
        reason = (
            "this key signs; publish its successor with `mosafe auth keys rotate`"
            if outcome.until is None
            else f"tokens of this key are valid until {values.format_timestamp(outcome.until)}"
        )
        raise click.ClickException(f"{reason}. --now deletes the key at once and makes its tokens invalid")
    asyncio.run(_print_keys())


@keys.command("reseal")
def reseal() -> None:
    """Encrypt the stored keys with a new AUTH_JWT_SECRET.

    The new secret is AUTH_JWT_NEW_SECRET, or the content of the file AUTH_JWT_NEW_SECRET_FILE. If neither
    AUTH_JWT_SECRET nor a new secret is set, a new secret is generated into the data directory. Start the service again
    afterwards; until then, it signs with the key that it has in memory.
    """
    given = settings()
    if given.jwt_new_secret is None and given.jwt_secret is not None:
        raise ConfigurationError(
            "AUTH_JWT_NEW_SECRET", "set it to the new secret, or AUTH_JWT_NEW_SECRET_FILE to a file that has it"
        )
    resealed = asyncio.run(_reseal(given))
    click.echo(f"{resealed} stored secrets are encrypted with the new secret.")
    if given.jwt_new_secret is not None:
        click.echo("Set AUTH_JWT_SECRET to it, unset AUTH_JWT_NEW_SECRET, and start the service again.")
    else:
        click.echo(f"It is in {given.secret_file}. Start the service again.")


@asynccontextmanager
async def _key_ring() -> AsyncIterator[KeyRing]:
    given = settings()
    async with open_store() as store:
        yield KeyRing(store, KeyVault(given.key_encryption_secret(), given.signing_algorithm))


async def _print_keys() -> None:
    async with _key_ring() as ring:
        stored = await ring.keys()
    now = values.now()
    current, needed = signing(stored, now), published(stored, now)
    for key in stored:
        state = "signs" if key is current else "published" if key in needed else "retired"
        click.echo(f"{key.id}  {state:9}  {key.algorithm}  signs from {values.format_timestamp(key.active_from)}")


async def _rotate(*, withdraw: bool) -> None:
    given = settings()
    async with open_store() as store:
        log = await open_audit_log(given, store)

        def audit(key: SigningKey) -> NewEntry:
            return log.by_operator(Action.SIGNING_KEYS_ROTATED, _subject(key.id), withdraw=str(withdraw).lower())

        ring = KeyRing(store, KeyVault(given.key_encryption_secret(), given.signing_algorithm))
        await ring.rotate(withdraw=withdraw, audit=audit)


async def _retire(key_id: str, *, at_once: bool) -> object:
    given = settings()
    async with open_store() as store:
        log = await open_audit_log(given, store)
        entry = log.by_operator(Action.SIGNING_KEY_RETIRED, _subject(key_id), now=str(at_once).lower())
        ring = KeyRing(store, KeyVault(given.key_encryption_secret(), given.signing_algorithm))
        return await ring.retire(key_id, at_once=at_once, audit=entry)


def _subject(key_id: str) -> Subject:
    return Subject(SubjectKind.SIGNING_KEY, key_id)


async def _reseal(given: AuthSettings) -> int:
    async with open_store() as store:
        log = await open_audit_log(given, store)
        entry = log.by_operator(Action.SECRETS_RESEALED, Subject(SubjectKind.SIGNING_KEY, "all"))
        if given.jwt_new_secret is None:
            return await replace_secret_file(given.secret_file, partial(store.reseal, audit=entry))
        resealing = Resealing(given.key_encryption_secret(), given.jwt_new_secret.get_secret_value())
        return await store.reseal(resealing, audit=entry)
