"""The records of stores: the comparison, and the files."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from bank.store_records import StoreMismatch, StoreRecords, StoreState, find_mismatch
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE = (character * 24 for character in "abc")


def state(store_id: str = ONE, changes: int = 5) -> StoreState:
    return StoreState(store_id, changes)


def test_a_first_start_and_a_store_that_is_ahead_of_its_record_match() -> None:
    assert find_mismatch("account", state(), {}, {}) is None
    assert find_mismatch("account", state(changes=7), {}, {"account": state(changes=5)}) is None
    known = {"auth": state(TWO, 3)}
    assert find_mismatch("account", state(), known, {}) is None
    assert find_mismatch("account", state(), known, {"auth": state(TWO, 4), "transaction": state(THREE)}) is None


@pytest.mark.parametrize(
    ("own", "known", "records", "reason"),
    [
        (state(TWO, 0), {}, {"account": state()}, "deleted and created anew"),
        (state(changes=4), {}, {"account": state()}, "older copy: it has 4 of 5"),
        (state(), {"auth": state(TWO)}, {"auth": state(THREE)}, "another auth store"),
        (state(), {"auth": state(TWO)}, {"auth": state(TWO, 4)}, "auth store is an older copy"),
    ],
)
def test_each_mismatch_has_its_reason(
    own: StoreState, known: dict[str, StoreState], records: dict[str, StoreState], reason: str
) -> None:
    found = find_mismatch("account", own, known, records)
    assert found is not None
    assert reason in found


def test_joining_writes_the_records_and_returns_those_of_others(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path / "new")
    assert records.read() == {}
    assert records.join("account", state(), {}, {}) == {}
    assert records.join("auth", state(TWO, 9), {}, {}) == {"account": state()}
    assert records.read() == {"account": state(), "auth": state(TWO, 9)}
    assert (tmp_path / "new" / "stores").stat().st_mode & 0o777 == 0o700


def test_records_that_are_missing_are_written_as_a_store_remembers_them(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    records.join("transaction", state(), {"account": state(TWO, 8)}, {})
    with pytest.raises(StoreMismatch, match="mosafe stores accept"):
        records.join("account", state(THREE, 0), {}, records.read())
    with pytest.raises(StoreMismatch, match="older copy"):
        records.join("account", state(TWO, 7), {}, records.read())
    assert records.join("account", state(TWO, 8), {}, records.read()) == {"transaction": state()}


def test_a_process_that_changes_the_same_store_meanwhile_is_no_mismatch(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    records.join("account", state(changes=5), {}, {})
    before = records.read()
    counter = records.counter("account", ONE)
    counter.raise_to(6)
    records.join("account", state(changes=5), {}, before)
    assert records.read() == {"account": state(changes=6)}
    # Two processes create the same store at the same moment.
    records.join("account", state(changes=0), {}, {})
    counter.close()


def test_a_record_only_rises_whoever_writes_it(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    records.join("account", state(changes=0), {}, {})

    def count() -> None:
        counter = records.counter("account", ONE)
        for changes in range(1, 200):
            counter.raise_to(changes)
        counter.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.read() == {"account": state(changes=199)}
    late = records.counter("account", ONE)
    late.raise_to(10)
    late.close()
    assert records.read() == {"account": state(changes=199)}


def test_a_store_that_was_replaced_does_not_count_in_the_record_of_its_successor(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    records.join("account", state(), {}, {})
    old = records.counter("account", ONE)
    records.replace({"account": state(TWO, 1), "auth": state(THREE, 2)})
    old.raise_to(100)
    old.close()
    assert records.read() == {"account": state(TWO, 1), "auth": state(THREE, 2)}
    records.replace({"auth": state(THREE, 2)})
    assert records.read() == {"auth": state(THREE, 2)}


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    records.join("account", state(), {}, {})
    for content in (b"", b"x", b"\xff" * 46, state().text().encode() * 2):
        (tmp_path / "stores" / "account").write_bytes(content)
        with pytest.raises(StartupError, match="stores/account"):
            records.join("auth", state(TWO), {}, {})


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "stores").write_text("a file")
    with pytest.raises(StartupError, match="cannot read or write the records"):
        StoreRecords(tmp_path).join("account", state(), {}, {})
