"""A store that is lost, older or foreign stops the start; first starts and upgrades work by themselves (bank §4.8).

Before, the platform started with an empty ledger: everything was ready, the check said sound, and the history still
said COMPLETED.

Covers `subgraphs/kit/store_identity.py` with all three services.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bank.store_records import StoreMismatch, StoreRecords
from mosafe.cli import command
from servicekit.errors import StartupError
from servicekit.settings import load
from servicekit.sqlite import Database
from subgraphs.account.store.sqlite_migrations import MIGRATIONS as ACCOUNT_MIGRATIONS
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.migrations import MIGRATIONS as AUTH_MIGRATIONS
from subgraphs.transaction.store.sqlite_migrations import MIGRATIONS as TRANSACTION_MIGRATIONS
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STORES = ("auth", "account", "transaction")


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[tuple[Bank, Auth]]:
    """All three services on the data directory `folder`."""
    async with AsyncExitStack() as stack:
        settings = load(
            AuthSettings,
            {"MOSAFE_DATA_DIR": str(folder), "AUTH_ISSUER": "http://auth.test", "SUBGRAPH_SIGNATURES": "off"},
        )
        auth = Auth(GraphQLClient(await stack.enter_async_context(running(create_app(settings)))))
        yield await stack.enter_async_context(open_bank(folder)), auth


async def use(bank: Bank, auth: Auth, name: str) -> None:
    """Change every store: a user registers, an account is opened, money moves."""
    await auth.sign_up(name)
    person = bank.person()
    account = await bank.open(person, "25.00")
    paid = await bank.order(person, "withdraw", sourceAccountId=account["id"])
    assert paid["transaction"]["status"] == "COMPLETED"


def copy_store(source: Path, target: Path, name: str) -> None:
    """Replace the store `name` in `target` by the one of `source`, which may be a copy of a running store."""
    delete_store(target, name)
    for path in source.glob(f"{name}.sqlite3*"):
        shutil.copy2(path, target / path.name)


def delete_store(folder: Path, name: str) -> None:
    for path in folder.glob(f"{name}.sqlite3*"):
        path.unlink()


async def cli(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a command, which has its own event loop."""
    runner = CliRunner(env={"MOSAFE_DATA_DIR": str(folder)})
    result = await asyncio.to_thread(runner.invoke, command, [*arguments])
    return result.exit_code, result.output


@pytest.fixture
async def used(tmp_path: Path) -> Path:
    """A data directory that was used and restarted; `<folder>.older` is a copy from before the last changes."""
    folder = tmp_path / "data"
    async with started(folder) as (bank, auth):
        await use(bank, auth, "Ann")
    shutil.copytree(folder, tmp_path / "older")
    async with started(folder) as (bank, auth):
        await use(bank, auth, "Bob")
    return folder


async def test_restarts_work_and_the_stores_know_each_other(used: Path) -> None:
    for _ in range(2):
        async with started(used) as (bank, auth):
            await use(bank, auth, f"Cyd{_}")
    assert set(StoreRecords(used).read()) == set(STORES)
    assert await cli(used, "stores", "check") == (0, "The stores belong together.\n")
    code, output = await cli(used, "account", "ledger", "verify")
    assert (code, output.splitlines()[-1]) == (0, "the ledger is sound")


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("records", ["with records", "without records"])
async def test_a_store_that_was_deleted_stops_the_start(used: Path, name: str, records: str) -> None:
    """Also an auth store while accounts exist, and when the folder of records is lost with it."""
    delete_store(used, name)
    if records == "without records":
        shutil.rmtree(used / "stores")
    with pytest.raises(StoreMismatch, match=r"mosafe stores check"):
        async with started(used):
            pass
    if records == "with records":
        assert not (used / f"{name}.sqlite3").exists(), "a backup can be put in its place"
    code, output = await cli(used, "stores", "check")
    assert code == 1
    assert f"{name} store" in output


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("loss", ["deleted", "older"])
async def test_the_check_finds_a_loss_without_records_before_any_start(used: Path, name: str, loss: str) -> None:
    """The folder of records is lost too: the check compared with the records only, and called the stores sound."""
    shutil.rmtree(used / "stores")
    assert await cli(used, "stores", "check") == (0, "The stores belong together.\n")
    if loss == "deleted":
        delete_store(used, name)
    else:
        copy_store(used.parent / "older", used, name)
    code, output = await cli(used, "stores", "check")
    assert code == 1
    assert f"The {name} store is {'missing' if loss == 'deleted' else 'an older copy'}" in output


@pytest.mark.parametrize("name", STORES)
async def test_an_older_copy_of_a_store_stops_the_start(used: Path, name: str) -> None:
    copy_store(used.parent / "older", used, name)
    with pytest.raises(StoreMismatch, match=f"The {name} store is an older copy"):
        async with started(used):
            pass
    assert (await cli(used, "stores", "check"))[0] == 1


async def test_the_ledger_check_does_not_call_a_replaced_ledger_sound(used: Path) -> None:
    copy_store(used.parent / "older", used, "account")
    code, output = await cli(used, "account", "ledger", "verify")
    assert code == 1
    assert "older copy" in output
    assert output.splitlines()[-1] == "THE LEDGER IS NOT SOUND"
    # A copy that is named is checked by itself.
    assert (await cli(used, "account", "ledger", "check", "--database", str(used / "account.sqlite3")))[0] == 0


@pytest.mark.parametrize("name", STORES)
async def test_a_store_of_another_installation_stops_the_start(used: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    async with started(other) as (bank, auth):
        for person in ("Dan", "Eve", "Fay"):
            await use(bank, auth, person)
    copy_store(other, used, name)
    if name == "account":
        with pytest.raises(StartupError, match="chained with another key"):
            async with started(used):
                pass
        # Also for those who follow the message and bring the key of the other installation.
        shutil.copy2(other / "secrets" / "ledger.key", used / "secrets" / "ledger.key")
    with pytest.raises(StoreMismatch, match="another installation"):
        async with started(used):
            pass


@pytest.mark.parametrize("name", ["account", "transaction"])
async def test_a_store_that_is_older_than_the_last_order_before_a_kill_is_found(tmp_path: Path, name: str) -> None:
    """The record of a store is written with every commit, not only at the end of the process."""
    folder, killed = tmp_path / "data", tmp_path / "killed"
    async with started(folder) as (bank, auth):
        await use(bank, auth, "Ann")
        shutil.copytree(folder, tmp_path / "before")
        await bank.open(bank.person(), "1.00")
        shutil.copytree(folder, killed)
    async with started(killed):
        pass
    copy_store(tmp_path / "before", killed, name)
    with pytest.raises(StoreMismatch, match=f"The {name} store is an older copy"):
        async with started(killed):
            pass


async def test_a_backup_of_everything_starts_and_so_does_one_without_records(used: Path) -> None:
    older = used.parent / "older"
    for name in STORES:
        copy_store(older, used, name)
    with pytest.raises(StoreMismatch, match="older copy"):
        async with started(used):
            pass
    shutil.rmtree(used / "stores")
    async with started(used) as (bank, auth):
        await use(bank, auth, "Hal")


async def test_accepting_goes_on_with_the_stores_as_they_are(used: Path) -> None:
    delete_store(used, "account")
    code, output = await cli(used, "stores", "accept")
    assert (code, "--yes" in output) == (1, True)
    assert (await cli(used, "stores", "accept", "--yes"))[0] == 0
    async with started(used) as (bank, auth):
        await use(bank, auth, "Ian")
    code, output = await cli(used, "stores", "check")
    assert code == 1
    assert "4 completed orders are not in the ledger" in output
    assert "store" not in output


async def test_data_directories_of_the_releases_before_start_and_then_know_each_other(tmp_path: Path) -> None:
    """The upgrade: files without an identity, and no folder of records."""
    for name, migrations in (
        ("auth", AUTH_MIGRATIONS),
        ("account", ACCOUNT_MIGRATIONS),
        ("transaction", TRANSACTION_MIGRATIONS),
    ):
        before = next(n for n, step in enumerate(migrations) if step.name == "identity of the store")
        await (await Database.open(tmp_path / f"{name}.sqlite3", migrations[:before])).close()
    async with started(tmp_path) as (bank, auth):
        await use(bank, auth, "Ann")
    delete_store(tmp_path, "account")
    with pytest.raises(StoreMismatch, match="The account store"):
        async with started(tmp_path):
            pass


async def test_two_processes_of_a_service_share_one_store(tmp_path: Path) -> None:
    async with started(tmp_path) as (bank, auth):
        await use(bank, auth, "Ann")
        async with bank.another_transaction_service():
            await use(bank, auth, "Bob")
        await use(bank, auth, "Cyd")
    assert await cli(tmp_path, "stores", "check") == (0, "The stores belong together.\n")
