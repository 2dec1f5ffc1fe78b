"""`mosafe auth audit`: lists the entries of the audit log, and verifies its hash chain."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from bank import values
from servicekit.settings import environment, load
from subgraphs.auth.audit_log.protocol import AuditFilter
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.store_identity import open_joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.auth.audit_log.entry import StoredEntry
    from subgraphs.auth.audit_log.writing import AuditLog, Verification


@click.group("audit")
def audit_commands() -> None:
    """Read and verify the log of what staff and operators did."""


@audit_commands.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many entries.")
@click.option("--actor", help="Only entries of this actor: a user's id, or an account of the operating system.")
@click.option("--subject", help="Only entries about this id.")
@click.option("--action", help="Only entries with this action, such as ROLE_GRANTED.")
def list_entries(limit: int, actor: str | None, subject: str | None, action: str | None) -> None:
    """List the newest entries, the newest first."""
    for stored in asyncio.run(_entries(AuditFilter(actor, subject, action), limit)):
        click.echo(_line(stored))


@audit_commands.command("verify")
@click.option(
    "--contains",
    metavar="POSITION:HASH",
    help="Also check that the log still has this entry, as an earlier run printed it.",
)
@click.pass_context
def verify(context: click.Context, contains: str | None) -> None:
    """Verify the hash chain of the whole log; the service may be running.

    The command prints the first broken entry, or the position and the hash of the last entry. Keep this line in another
    place: removed entries at the end of the log are found only by `--contains`. The exit code is 1 if the log is not
    what it was.
    """
    place = None if contains is None else _parse(contains)
    result, kept = asyncio.run(_verify(place))
    if result.broken is not None:
        click.echo(f"BROKEN after {result.entries} entries: {_line(result.broken)}")
        context.exit(1)
    if not kept:
        click.echo(f"BROKEN: the log does not have the entry {contains}; it has {result.entries} entries")
        context.exit(1)
    last = f"; the last is {result.last.position}:{result.last.hash.hex()}" if result.entries else ""
    click.echo(f"ok: {result.entries} entries{last}")


@asynccontextmanager
async def _opened() -> AsyncIterator[AuditLog]:
    settings = load(AuthSettings, environment())
    async with open_joined(settings.place, STORES) as store:
        yield await open_audit_log(settings, store)


async def _entries(wanted: AuditFilter, limit: int) -> list[StoredEntry]:
    async with _opened() as log:
        return (await log.store.page(wanted, PageRequest(limit)))[:limit]


async def _verify(place: tuple[int, bytes] | None) -> tuple[Verification, bool]:
    """Return the verification, and whether the log has the entry `place`."""
    async with _opened() as log:
        result = await log.verify()
        return result, place is None or await log.hash_at(place[0]) == place[1]


def _parse(text: str) -> tuple[int, bytes]:
    position, _, digest = text.partition(":")
    try:
        return int(position), bytes.fromhex(digest)
    except ValueError:
        raise click.BadParameter("POSITION:HASH as `audit verify` prints it", param_hint="--contains") from None


def _line(stored: StoredEntry) -> str:
    entry = stored.entry
    facts = [
        entry.outcome,
        entry.origin or "unknown",
        *(f"{name}={text}" for name, text in sorted(entry.details.items())),
    ]
    return (
        f"{stored.link.position}  {values.format_timestamp(entry.at)}  {entry.actor.kind} {entry.actor.id}"
        f"  {entry.action}  {entry.subject.kind} {entry.subject.id}  {'  '.join(facts)}"
    )
