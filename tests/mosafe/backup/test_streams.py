"""Streams: bounded memory, and failures on either side that end both sides.

Covers `mosafe/backup/byte_pipe.py` and `age_encryption.py`.
"""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pyrage
import pytest
from pyrage import x25519

from mosafe.backup.age_encryption import decrypt, encrypting
from mosafe.backup.byte_pipe import MAX_WAITING, Aborted, BytePipe
from mosafe.backup.errors import BackupError

KEY = x25519.Identity.generate()
CHUNK = 1 << 18


class Sink(io.BytesIO):
    """Remembers how far the writer was ahead of it."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self.furthest = 0

    def write(self, data: object) -> int:
        count = super().write(data)  # type: ignore[arg-type] # the stub of the standard library is narrower
        self.furthest = max(self.furthest, self.given - self.tell())
        return count


def test_what_is_encrypted_is_decrypted_and_little_of_it_waits() -> None:
    sink = Sink()
    with encrypting(sink.write, [KEY.to_public()]) as write:
        for number in range(64):
            write(bytes([number]) * CHUNK)
            sink.given += CHUNK
    assert sink.furthest <= MAX_WAITING + 4 * CHUNK
    plain = io.BytesIO()
    decrypt(io.BytesIO(sink.getvalue()), plain.write, [KEY])
    assert plain.getvalue() == b"".join(bytes([number]) * CHUNK for number in range(64))
    assert pyrage.decrypt(sink.getvalue(), [KEY]) == plain.getvalue(), "it is a plain file of age"


def test_an_error_of_the_destination_is_the_error_of_the_backup() -> None:
    def full(_: bytes) -> None:
        raise BackupError("BACKUP_DESTINATION_UNAVAILABLE", "the disk is full")

    def back_up() -> None:
        with encrypting(full, [KEY.to_public()]) as write:
            for _ in range(100):
                write(b"x" * CHUNK)

    with pytest.raises(BackupError, match="the disk is full"):
        back_up()


def test_an_error_of_the_store_ends_the_encryption() -> None:
    before = threading.active_count()

    def back_up() -> None:
        with encrypting(io.BytesIO().write, [KEY.to_public()]) as write:
            write(b"x" * CHUNK)
            raise ValueError("the store went away")

    with pytest.raises(ValueError, match="went away"):
        back_up()
    assert threading.active_count() == before


def test_an_error_of_either_side_of_a_decryption_is_kept() -> None:
    content = pyrage.encrypt(b"x" * CHUNK, [KEY.to_public()])

    def refuse(_: bytes) -> None:
        raise LookupError("wrong document")

    with pytest.raises(LookupError, match="wrong document"):
        decrypt(io.BytesIO(content), refuse, [KEY])

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            del size
            raise BackupError("BACKUP_DESTINATION_UNAVAILABLE", "connection reset")

    with pytest.raises(BackupError, match="connection reset"):
        decrypt(Broken(), io.BytesIO().write, [KEY])


def fill(pipe: BytePipe) -> bytes:
    """Write until the reader has failed."""
    while True:
        pipe.write(b"x" * CHUNK)


def test_a_pipe_that_one_side_aborts_releases_the_other_side() -> None:
    for side in ("reader", "writer"):
        pipe = BytePipe()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(fill if side == "reader" else BytePipe.read, pipe)
            pipe.abort()
            with pytest.raises(Aborted):
                waiting.result(10)


def test_a_pipe_gives_at_most_what_is_asked_for() -> None:
    pipe = BytePipe()
    pipe.write(b"abcde")
    pipe.write(b"")
    pipe.finish()
    assert [pipe.read(2), pipe.read(2), pipe.read(), pipe.read()] == [b"ab", b"cd", b"e", b""]
