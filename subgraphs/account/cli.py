"""`mosafe account`: serve, migrate the store, and check the ledger."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bank import values
from bank.store_records import StoreRecords, find_mismatch
from bank.values import format_amount, from_minor_units
from servicekit.errors import StartupError
from servicekit.settings import environment, load
from servicekit.sqlite_failures import explain
from subgraphs.account.day_heads import compute_head
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.factory import account_stores, open_mongodb
from subgraphs.account.store.ledger_report import CHAINS
from subgraphs.account.store.sqlite_ledger_check import check_ledger, read_identity
from subgraphs.kit.commands import service_group
from subgraphs.kit.store_factory import SQLITE
from subgraphs.kit.store_identity import open_joined

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp
    from subgraphs.account.store.ledger_report import LedgerReport


def _create_app(loaded: AccountSettings) -> ASGIApp:
    from subgraphs.account.app import create_app  # noqa: PLC0415 - the commands of operators need no application

    return create_app(loaded)


command = service_group(
    "account", AccountSettings, _create_app, help_text="The account service; without a sub-command it serves."
)


@command.command("migrate")
def migrate() -> None:
    """Create or update the tables, collections and indexes of the store. The service does the same at its start."""
    asyncio.run(_migrate(load(AccountSettings, environment())))
    click.echo("the account store is up to date")


async def _migrate(settings: AccountSettings) -> None:
    async with open_joined(settings.place, account_stores(settings.chain_key())):
        pass


@command.group()
def ledger() -> None:
    """Check the ledger."""


_database = click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The ledger's file; by default the file of the service.",
)


@ledger.command("check")
@_database
@click.pass_context
def check(context: click.Context, database: Path | None) -> None:
    """Verify every invariant of the ledger, read-only; the service may be running.

    This includes the hash chain of each account, if there is a key of the chains. The first broken entry is printed.
    The exit code is 1 if an invariant is violated, or if the other stores of the data directory have recorded another
    ledger. The exit code is 2 if the file cannot be read or is not a ledger. A file that is given on the command line,
    such as a copy, is not compared with the other stores.
    """
    _verify(context, database)


@ledger.command("verify")
@_database
@click.pass_context
def verify(context: click.Context, database: Path | None) -> None:
    """Verify every invariant of the ledger, as `check` does."""
    _verify(context, database)


@ledger.command("heads")
@click.option("--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="How many finished days.")
def heads(days: int) -> None:
    """Print the heads of the last days, so that you can compare them with the log. The service may be running.

    If a head differs, entries of that day were removed or changed since it was logged.
    """
    asyncio.run(_print_heads(load(AccountSettings, environment()), days))


async def _print_heads(settings: AccountSettings, days: int) -> None:
    today = values.now().date()
    async with open_joined(settings.place, account_stores(settings.chain_key())) as store:
        for day in (today - timedelta(days=ago) for ago in range(days, 0, -1)):
            head, accounts = await compute_head(store, day)
            click.echo(f"{day.isoformat()}  {head}  {accounts} accounts")


def _verify(context: click.Context, database: Path | None) -> None:
    settings = load(AccountSettings, environment())
    if database is None and settings.store.scheme != SQLITE:
        report, mismatch = asyncio.run(_check_store(settings))
    else:
        report, mismatch = _check_file(settings, database)
    click.echo("\n".join(_lines(report, mismatch)))
    if mismatch or not report.sound:
        context.exit(1)


def _check_file(settings: AccountSettings, database: Path | None) -> tuple[LedgerReport, str | None]:
    path = database or settings.database
    try:
        report = check_ledger(path, settings.existing_chain_key())
        return report, None if database else _mismatch(path, settings.data_dir)
    except sqlite3.DatabaseError as error:
        raise StartupError(explain(path, error)) from error


async def _check_store(settings: AccountSettings) -> tuple[LedgerReport, str | None]:
    """Check the ledger of a database server."""
    records = StoreRecords(settings.data_dir).read()
    store = await open_mongodb(settings.store, values.now)
    try:
        own, known = await store.identity(), await store.known_stores()
        report = await store.check(settings.existing_chain_key())
        return report, find_mismatch("account", own, known, records)
    finally:
        await store.close()


def _mismatch(path: Path, data_dir: Path) -> str | None:
    # The records must be read before the ledger. A running service changes the ledger first and its record afterwards.
    # If the ledger were read first, the service could change the ledger and the record before the record is read. Then
    # the record would have more changes than the ledger, as if the ledger had lost a change.
    records = StoreRecords(data_dir).read()
    own, known = read_identity(path)
    return find_mismatch("account", own, known, records)


def _lines(report: LedgerReport, mismatch: str | None) -> list[str]:
    """Return the report as text: a line for each invariant, and then the numbers and sums."""
    broken = {violation.invariant: violation for violation in report.violations}
    lines = []
    for invariant in report.invariants:
        violation = broken.get(invariant)
        if violation is None:
            lines.append(f"ok      {invariant}")
            continue
        lines.append(f"BROKEN  {invariant}: {violation.count} violations")
        lines += [f"        {', '.join(f'{k}={v}' for k, v in example.items())}" for example in violation.examples]
    held = [_money(units, currency) for currency, units in report.customer_sums.items()]
    internal = [f"{name} {_money(units, currency)}" for (name, currency), units in report.internal_sums.items()]
    lines.append("ok      the other stores know this ledger" if mismatch is None else f"BROKEN  {mismatch}")
    if CHAINS not in report.invariants:
        lines.append("skipped the hash chains: neither ACCOUNT_LEDGER_KEY nor secrets/ledger.key exists")
    return [
        *lines,
        f"{report.accounts} accounts, {report.posted} postings ({report.entries} entries), {report.refused} refusals",
        f"customers hold {', '.join(held) or 'nothing'}",
        f"internal accounts hold {', '.join(internal) or 'nothing'}",
        "the ledger is sound" if report.sound and mismatch is None else "THE LEDGER IS NOT SOUND",
    ]


def _money(units: int, currency: str) -> str:
    return f"{format_amount(from_minor_units(units, currency), currency)} {currency}"
