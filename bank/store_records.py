"""Records about the stores of an installation. They show whether a store was lost or replaced (bank §4.8).

Each store has a random id and counts its changes. The data directory has a small file for each store, which records the
id and the number of changes of this store. Each store also remembers the records of the other stores:

```
.mosafe/stores/account      6b0bce539ccaea6e08052ca5 00000000000000001734
account.sqlite3             store_identity 6b0bce539ccaea6e08052ca5 1734, known_stores (auth, …) (transaction, …)
```

A service compares these records when it starts. A store that was deleted and created anew has another id, an older copy
has fewer changes than its record, and a store of another installation remembers other ids.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Final

import structlog

from servicekit.errors import StartupError
from servicekit.private_files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER: Final = "stores"
_RECORD: Final = re.compile(r"([0-9a-f]{24}) ([0-9]{20})\n")
_LOCK: Final = ".lock"

_log = structlog.stdlib.get_logger("stores")

WHAT_TO_DO: Final = (
    "Restore the newest backup of all stores. `mosafe stores check` shows what differs; `mosafe stores accept`"
    " continues with the stores as they are"
)


@dataclass(frozen=True, slots=True)
class StoreState:
    """The state of a store at one moment: its id, and how many changes were made to it."""

    id: str
    changes: int

    def text(self) -> str:
        return f"{self.id} {self.changes:020d}\n"


class StoreMismatch(StartupError):
    """The store is not the one that the installation has recorded. The message says why and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. {WHAT_TO_DO}")


def find_mismatch(
    name: str, own: StoreState, known: Mapping[str, StoreState], records: Mapping[str, StoreState]
) -> str | None:
    """Return the reason why the store `name` does not belong to the installation, or None if the store belongs to it.

    Args:
        name: the store's name, such as `account`.
        own: the state of the store `name` itself.
        known: the states of the other stores, as the store `name` remembers them.
        records: the records of the data directory.
    """
    if (record := records.get(name)) is not None:
        if record.id != own.id:
            return (
                f"The {name} store is not the one of this data directory: it was deleted and created anew, or belongs"
                f" to another installation (its id is {own.id}; recorded is {record.id} with {record.changes} changes)"
            )
        if record.changes > own.changes:
            return f"The {name} store is an older copy: it has {own.changes} of {record.changes} recorded changes"
    for peer, remembered in sorted(known.items()):
        found = records.get(peer)
        if found is not None and found.id != remembered.id:
            return (
                f"The {name} store belongs together with another {peer} store ({remembered.id}) than the one of this"
                f" data directory ({found.id})"
            )
        if found is not None and found.changes < remembered.changes:
            return (
                f"The {peer} store is an older copy: it has {found.changes} changes, and the {name} store remembers"
                f" {remembered.changes}"
            )
    return None


class StoreRecords:
    """The records of one data directory. Any number of processes may use them at the same time."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def read(self) -> dict[str, StoreState]:
        """Return a mapping of all records: name of a store → the state in its record.

        Raises:
            StartupError: a record cannot be read.
        """
        if not self._folder.is_dir():
            return {}
        return {path.name: _read(path) for path in self._paths()}

    def join(
        self, name: str, own: StoreState, known: Mapping[str, StoreState], before: Mapping[str, StoreState]
    ) -> dict[str, StoreState]:
        """Check the store `name` against the records, write its record, and return the records of the other stores.

        If the record of another store is missing, it is written with the state in `known`.

        Args:
            name: the store's name.
            own: the state of the store itself.
            known: the states of other stores, as the store remembers them.
            before: the records as they were before `own` was read. `own.changes` is compared with these older records,
                because another process may have changed the store and its record after `own` was read.

        Raises:
            StoreMismatch: the store does not belong to the installation.
            StartupError: a record cannot be read or written.
        """
        with self._locked():
            records = self.read()
            recorded, earlier = records.get(name), before.get(name)
            checked = dict(records)
            if recorded is not None:
                same = earlier is not None and earlier.id == recorded.id
                checked[name] = StoreState(recorded.id, earlier.changes if same and earlier else 0)
            if (reason := find_mismatch(name, own, known, checked)) is not None:
                raise StoreMismatch(reason)
            missing = {peer: state for peer, state in known.items() if peer not in records}
            changes = max(own.changes, recorded.changes if recorded else 0)
            self._write(missing | {name: StoreState(own.id, changes)})
        return {peer: state for peer, state in (missing | records).items() if peer != name}

    def replace(self, states: Mapping[str, StoreState]) -> None:
        """Replace all records by `states`. Raises StartupError when a record cannot be written."""
        with self._locked():
            for path in self._paths():
                if path.name not in states:
                    path.unlink()
            self._write(states)

    def counter(self, name: str, store_id: str) -> ChangeCounter:
        """Return the counter that records further changes of a store.

        Call `join` first, which writes the store's record.
        """
        return ChangeCounter(self._folder / name, store_id)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            make_private_folder(self._folder)
            with _open_private(self._folder / _LOCK, "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StartupError(f"cannot read or write the records of stores in {self._folder}: {error}") from error

    def _write(self, states: Mapping[str, StoreState]) -> None:
        for name, state in states.items():
            path = self._folder / name
            draft = self._folder / f".{name}.new"
            is_new = not path.exists()
            # The file is changed in place and not replaced, because running services have it open.
            with _open_private(draft if is_new else path, "w" if is_new else "r+") as file:
                file.write(state.text())
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                draft.replace(path)

    def _paths(self) -> list[Path]:
        return [path for path in sorted(self._folder.iterdir()) if not path.name.startswith(".")]


def _open_private(path: Path, mode: str) -> IO[str]:
    """Open the file `path`. If it is new, only this user can open it."""
    return open(path, mode, encoding="ascii", opener=partial(os.open, mode=0o600))


class ChangeCounter:
    """Writes the number of changes of one store to its record. The number never gets smaller.

    The record is written after every commit, but not forced to the disk. So after a power cut, the record may have
    fewer changes than the store. This does not count as a mismatch.
    """

    def __init__(self, path: Path, store_id: str) -> None:
        self._store_id = store_id
        self._file = os.open(path, os.O_RDWR)

    def raise_to(self, changes: int) -> None:
        """Write `changes` to the record if the record has a lower number.

        If the record was replaced by the record of another store, nothing is written.
        """
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                match = _RECORD.fullmatch(os.pread(self._file, 64, 0).decode("ascii", "replace"))
                if match is not None and match[1] == self._store_id and int(match[2]) < changes:
                    os.pwrite(self._file, StoreState(self._store_id, changes).text().encode(), 0)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        except OSError as error:
            # The store has committed the change, so this is not an error. But the number of changes in the record is
            # now too low. If the store later loses the changes that the record lacks, the loss is not noticed.
            _log.warning("cannot record the changes of a store", reason=error.strerror)

    def close(self) -> None:
        os.close(self._file)


def _read(path: Path) -> StoreState:
    try:
        match = _RECORD.fullmatch(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"cannot read the record of a store {path}: {error}") from error
    if match is None:
        raise StartupError(f"the record of a store {path} is damaged; delete it, and the next start writes it again")
    return StoreState(match[1], int(match[2]))
