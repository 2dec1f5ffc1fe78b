"""The hash chains of accounts: what a change of an entry does to them, entries of earlier releases, and their key.

Covers `subgraphs/account/hash_chain.py`, `subgraphs/account/store/hash_chain_key.py` and
`subgraphs/account/store/sqlite_hash_chain.py`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StartupError
from servicekit.sqlite import Database
from subgraphs.account.hash_chain import ChainedEntry, Line, StoredEntry, head_of_day
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.account.store.sqlite_migrations import MIGRATIONS
from subgraphs.kit.hash_chain import ChainKey, Link, first_broken
from tests.subgraphs.account.support import KEY, funded, mongo_factory, person, sqlite_factory, withdrawal

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = ChainedEntry(
    "6565f0a2c1d2e3f4a5b6c7d8", "2026-01-31T09:30:00.000Z", "USD", 500, (Line("a", 500), Line("DEPOSITS", -500)), 0
)


def chain(key: ChainKey, count: int) -> list[StoredEntry]:
    entries, link = [], Link()
    for number in range(count):
        entry = replace(ENTRY, balance_after=500 * (number + 1))
        link = key.next(link, entry)
        entries.append(StoredEntry("a", link, entry))
    return entries


def test_a_chain_is_right_in_whole_and_in_parts() -> None:
    entries = chain(KEY, 5)
    assert first_broken(KEY, entries, Link()) == (None, entries[-1].link)
    assert first_broken(KEY, entries[3:], entries[2].link) == (None, entries[-1].link)


@pytest.mark.parametrize(
    "changed",
    [
        replace(ENTRY, transaction_id="0" * 24),
        replace(ENTRY, posted_at="2026-01-31T09:30:00.001Z"),
        replace(ENTRY, currency="EUR"),
        replace(ENTRY, balance_after=501),
        replace(ENTRY, lines=(Line("a", 500), Line("FEES", -500))),
        replace(ENTRY, lines=(Line("a", 501), Line("DEPOSITS", -501))),
        replace(ENTRY, line=1),
    ],
)
def test_a_changed_entry_breaks_its_link(changed: ChainedEntry) -> None:
    entries = chain(KEY, 3)
    entries[0] = replace(entries[0], entry=changed)
    assert first_broken(KEY, entries, Link()) == (entries[0], Link())


def test_a_removed_or_moved_entry_breaks_the_next_link() -> None:
    entries = chain(KEY, 4)
    assert first_broken(KEY, [*entries[:1], *entries[2:]], Link())[0] == entries[2]
    assert first_broken(KEY, [entries[1], entries[0]], Link())[0] == entries[1]


def test_another_key_makes_another_chain() -> None:
    other = ChainKey(b"another key of the chains")
    assert other.id != KEY.id
    entries = chain(other, 2)
    assert first_broken(KEY, entries, Link())[0] == entries[0]


def test_the_head_of_a_day_does_not_depend_on_the_order() -> None:
    hashes = [("a", b"1"), ("b", b"2"), ("a", b"0")]
    assert head_of_day(hashes) == head_of_day(reversed(hashes))
    assert head_of_day(hashes) != head_of_day(hashes[:2])


async def test_entries_of_an_earlier_release_are_chained_at_the_first_start(tmp_path: Path) -> None:
    path = tmp_path / "account.sqlite3"
    old = await Database.open(path, MIGRATIONS[:7])
    await old.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_TWO_OLD_DEPOSITS)
    async with sqlite_factory(path)() as store:
        assert (await store.post(withdrawal(_OWNER, "a" * 24, "1.00"))).posted
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT position, length(hash) FROM entries WHERE account_id = ? ORDER BY sequence"
        assert connection.execute(query, ("a" * 24,)).fetchall() == [(1, 32), (2, 32), (3, 32)]
        assert connection.execute(query, ("d" * 24,)).fetchall() == [(None, 0), (None, 0)]


async def test_a_store_is_not_continued_with_another_key(tmp_path: Path, mongo_url: str) -> None:
    path, other = tmp_path / "account.sqlite3", ChainKey(b"another key of the chains")
    async with sqlite_factory(path)() as store:
        await funded(store, person(), "10.00")
    with pytest.raises(StartupError, match=r"ACCOUNT_LEDGER_KEY: the entries of .*account\.sqlite3 were chained"):
        await SqliteAccountStore.open_chained(path, other)
    async with mongo_factory(mongo_url)():
        pass
    with pytest.raises(StartupError, match="ACCOUNT_LEDGER_KEY"):
        async with mongo_factory(mongo_url, other)():
            pass


_OWNER = person()
# Two deposits as the release before the chains has written them.
_TWO_OLD_DEPOSITS = f"""
INSERT INTO accounts (id, user_id, number, type, currency, status, balance_as_of, created_at, updated_at) VALUES
  ('{"a" * 24}', '{_OWNER.user_id}', '1000000005', 'CHECKING', 'USD', 'ACTIVE', '2026-01-31T09:30:00.000Z',
   '2026-01-31T09:30:00.000Z', '2026-01-31T09:30:00.000Z');
INSERT INTO accounts (id, internal_name, currency, status, balance_as_of, created_at, updated_at) VALUES
  ('{"d" * 24}', 'DEPOSITS', 'USD', 'ACTIVE', '', '', '');
BEGIN;
INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at) VALUES
  ('{"1" * 24}', 0, '{"d" * 24}', 'USD', -500, 0, '2026-01-31T09:30:00.000Z'),
  ('{"1" * 24}', 1, '{"a" * 24}', 'USD', 500, 500, '2026-01-31T09:30:00.000Z'),
  ('{"2" * 24}', 0, '{"d" * 24}', 'USD', -500, 0, '2026-01-31T09:31:00.000Z'),
  ('{"2" * 24}', 1, '{"a" * 24}', 'USD', 500, 1000, '2026-01-31T09:31:00.000Z');
INSERT INTO postings VALUES
  ('{"1" * 24}', 'x', 'DEPOSIT', '{_OWNER.user_id}', 'POSTED', NULL, '2026-01-31T09:30:00.000Z'),
  ('{"2" * 24}', 'x', 'DEPOSIT', '{_OWNER.user_id}', 'POSTED', NULL, '2026-01-31T09:31:00.000Z');
COMMIT;
"""  # noqa: S608 - constants of this test
