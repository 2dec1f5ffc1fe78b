"""Backups that cannot be used are refused with a code, and nothing is changed.

Covers `mosafe/backup/read_backup.py`, `manifest.py`, `backup_files.py`, `age_encryption.py` and `errors.py`.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mosafe.backup import manifest as manifests
from mosafe.backup.errors import CODES
from tests.e2e.platform import ROOT, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.mosafe.backup.installation import Rehearsed

LEDGER = "account/account.sqlite3.gz.age"


def only_backup(installation: Rehearsed) -> Path:
    (found,) = installation.backups.iterdir()
    return found


def spoil(path: Path, change: Callable[[bytearray], None]) -> None:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)


def flip(place: int) -> Callable[[bytearray], None]:
    def change(content: bytearray) -> None:
        content[place] ^= 1

    return change


def other_year(content: bytearray) -> None:
    place = content.index(b"202")
    content[place : place + 4] = b"1999"


def cut(content: bytearray) -> None:
    del content[len(content) // 2 :]


def rewrite(path: Path, change: Callable[[dict[str, Any]], None], key: bytes | None = None) -> None:
    """Change the manifest, and give it the right checksum: what somebody can do who can write to the destination."""
    content = json.loads(path.read_bytes())
    del content["checksum"]
    change(content)
    content["checksum"] = manifests._checksum(content, key)  # noqa: SLF001 - a forger knows the algorithm
    path.write_text(json.dumps(content))


def newer_store(content: dict[str, Any]) -> None:
    content["stores"][0]["facts"]["migration"] = 999


def other_kind(content: dict[str, Any]) -> None:
    content["stores"][1]["facts"]["kind"] = "mongodb"


def longer(content: dict[str, Any]) -> None:
    content["stores"][1]["files"][0]["size"] += 1


def shorter(content: dict[str, Any]) -> None:
    content["stores"][1]["files"][0]["size"] = 100


def escaping(content: dict[str, Any]) -> None:
    content["stores"][1]["files"][0]["stored_as"] = "../../../etc/passwd"


DAMAGES: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("a file is missing", lambda backup: (backup / LEDGER).unlink(), "BACKUP_FILE_MISSING", LEDGER),
    ("a bit is wrong", lambda backup: spoil(backup / LEDGER, flip(-100)), "BACKUP_FILE_DAMAGED", LEDGER),
    ("a file is cut off", lambda backup: spoil(backup / LEDGER, cut), "BACKUP_FILE_DAMAGED", LEDGER),
    ("a header is wrong", lambda backup: spoil(backup / LEDGER, flip(30)), "BACKUP_FILE_DAMAGED", LEDGER),
    (
        "a file of another store",
        lambda backup: shutil.copy(backup / "auth/auth.sqlite3.gz.age", backup / LEDGER),
        "BACKUP_FILE_DAMAGED",
        LEDGER,
    ),
    ("the manifest is cut off", lambda backup: spoil(backup / "manifest.json", cut), "BACKUP_MANIFEST_DAMAGED", "cut"),
    (
        "the manifest is another one",
        lambda backup: (backup / "manifest.json").write_text("[]"),
        "BACKUP_MANIFEST_DAMAGED",
        "cut off or is not JSON",
    ),
    (
        "the manifest was edited",
        lambda backup: spoil(backup / "manifest.json", other_year),
        "BACKUP_MANIFEST_DAMAGED",
        "another checksum",
    ),
    (
        "the manifest of another backup",
        lambda backup: rewrite(backup / "manifest.json", lambda content: content.update(id="20200101T000000Z-abcdef")),
        "BACKUP_MANIFEST_DAMAGED",
        "20200101T000000Z-abcdef",
    ),
    (
        "a manifest without a value",
        lambda backup: rewrite(backup / "manifest.json", lambda content: content.pop("stores")),
        "BACKUP_MANIFEST_DAMAGED",
        "stores",
    ),
    (
        "a newer format",
        lambda backup: rewrite(backup / "manifest.json", lambda content: content.update(format=2)),
        "BACKUP_OF_NEWER_RELEASE",
        "format 2",
    ),
    (
        "a newer schema",
        lambda backup: rewrite(backup / "manifest.json", newer_store),
        "BACKUP_OF_NEWER_RELEASE",
        "schema version 999",
    ),
    (
        "another kind of store",
        lambda backup: rewrite(backup / "manifest.json", other_kind),
        "BACKUP_WRONG_STORE",
        "ACCOUNT_DB_URL selects sqlite",
    ),
    ("a larger size", lambda backup: rewrite(backup / "manifest.json", longer), "BACKUP_FILE_DAMAGED", "instead of"),
    ("a smaller size", lambda backup: rewrite(backup / "manifest.json", shorter), "BACKUP_FILE_DAMAGED", "longer than"),
    (
        "a path out of the backup",
        lambda backup: rewrite(backup / "manifest.json", escaping),
        "BACKUP_MANIFEST_DAMAGED",
        "stored_as",
    ),
]


@pytest.mark.parametrize(("damage", "code", "place"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_a_damaged_backup_changes_nothing(
    copied: Rehearsed, damage: Callable[[Path], object], code: str, place: str
) -> None:
    before = {path.name: path.read_bytes() for path in copied.data.glob("*.sqlite3")}
    damage(only_backup(copied))
    message = copied.refused("restore", "--replace")
    assert message.startswith(f"{code}: ")
    assert place in message
    assert "AGE-SECRET-KEY" not in message
    assert {path.name: path.read_bytes() for path in copied.data.glob("*.sqlite3")} == before


def test_another_key_opens_nothing(copied: Rehearsed) -> None:
    other = copied.folder / "other"
    copied.run("keygen", str(other))
    assert copied.refused("verify", BACKUP_IDENTITY_FILE=str(other)).startswith("BACKUP_WRONG_KEY: ")
    without = copied.refused("restore", "--replace", BACKUP_IDENTITY_FILE="")
    assert without == "BACKUP_WRONG_KEY: BACKUP_IDENTITY is not set; it holds the private key of the backup"
    # The stored form can be verified without the key.
    assert "none was decrypted" in copied.run("verify", environ={"BACKUP_IDENTITY_FILE": ""})
    spoil(only_backup(copied) / LEDGER, flip(-1))
    assert copied.refused("verify", BACKUP_IDENTITY_FILE="").startswith("BACKUP_FILE_DAMAGED: ")


def test_only_a_signed_manifest_counts_with_a_key(copied: Rehearsed) -> None:
    """Who can write to the destination can encrypt for the public key, but cannot sign."""
    key = {"BACKUP_MANIFEST_KEY": secrets.token_hex(32)}
    assert "is not signed with" in copied.refused("restore", "--replace", **key)
    shutil.rmtree(only_backup(copied))
    copied.run("create", environ=key)
    copied.run("verify", environ=key)
    assert "verify it with BACKUP_MANIFEST_KEY" in copied.refused("verify")
    rewrite(only_backup(copied) / "manifest.json", newer_store)
    assert copied.refused("verify", **key).startswith("BACKUP_MANIFEST_DAMAGED: ")
    assert copied.run("list", environ=key).split()[1] == "BACKUP_MANIFEST_DAMAGED:"


def test_stores_with_data_and_running_services_are_not_replaced(copied: Rehearsed) -> None:
    assert copied.refused("restore").startswith("BACKUP_STORE_NOT_EMPTY: the transaction store has data")
    secret = copied.data / "secrets" / "ledger.key"
    before = secret.read_text()
    secret.write_text("another key of the ledger, 32 characters")
    for path in copied.data.glob("*.sqlite3*"):
        path.unlink()
    assert copied.refused("restore").startswith(f"BACKUP_STORE_NOT_EMPTY: {secret} is another secret")
    with socket.create_server(("127.0.0.1", int(copied.ports["ACCOUNT_PORT"]))):
        message = copied.refused("restore", "--replace")
    assert message.startswith("BACKUP_STORE_IN_USE: the account service listens on 127.0.0.1:")
    copied.run("restore", "--replace")
    assert secret.read_text() == before
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("variables", "arguments", "message"),
    [
        ({"BACKUP_TO": ""}, ["list"], "BACKUP_NOT_CONFIGURED: BACKUP_TO names no folder"),
        ({"BACKUP_TO": "ftp://host/x"}, ["list"], "BACKUP_NOT_CONFIGURED: BACKUP_TO is neither"),
        ({"BACKUP_TO": "s3:///x"}, ["list"], "BACKUP_NOT_CONFIGURED: s3:///x has no bucket"),
        ({"BACKUP_RECIPIENTS": ""}, ["create"], "BACKUP_NOT_CONFIGURED: BACKUP_RECIPIENTS names no file"),
        (
            {"BACKUP_RECIPIENTS": "/nowhere"},
            ["create"],
            "BACKUP_NOT_CONFIGURED: BACKUP_RECIPIENTS: cannot",
        ),
        ({"BACKUP_SCHEDULE": "at noon"}, ["list"], "BACKUP_SCHEDULE: 'at noon' is neither"),
        ({"BACKUP_KEEP": "daily=x"}, ["list"], "BACKUP_KEEP: 'daily=x' is not one of"),
        ({"BACKUP_TO": "/proc/none"}, ["create"], "BACKUP_DESTINATION_UNAVAILABLE: /proc/none: "),
        ({"MOSAFE_DATA_DIR": "/nowhere"}, ["create"], "BACKUP_STORE_UNAVAILABLE: "),
        (
            {"ACCOUNT_DB_URL": "mongodb://user:hidden@127.0.0.1:1/accounts"},
            ["create"],
            "BACKUP_STORE_UNAVAILABLE: ACCOUNT_DB_URL: 127.0.0.1:1 does not respond",
        ),
        (
            {"AUTH_DB_URL": "postgresql://user:hidden@127.0.0.1:1/auth"},
            ["create"],
            "BACKUP_STORE_UNAVAILABLE: AUTH_DB_URL: the PostgreSQL server does not respond",
        ),
        ({}, ["verify", "20200101T000000Z-abcdef"], "BACKUP_NOT_FOUND: "),
        ({}, ["verify", "../keys"], "BACKUP_NOT_FOUND: "),
    ],
)
def test_mistakes_have_a_code_and_a_place(
    copied: Rehearsed, variables: dict[str, str], arguments: list[str], message: str
) -> None:
    found = copied.refused(*arguments, **variables)
    assert found.startswith(message), found
    assert "hidden" not in found
    assert len(list(copied.backups.iterdir())) == 1, "no unfinished backup is left"


def test_secrets_are_nowhere_in_a_backup(backed_up: Rehearsed) -> None:
    stored = b"".join(path.read_bytes() for path in only_backup(backed_up).rglob("*") if path.is_file())
    generated = [path.read_bytes().strip() for path in (backed_up.data / "secrets").iterdir()]
    assert generated
    for secret in (*generated, b"ann@example.com", b"AGE-SECRET-KEY", backed_up.key.read_bytes().split()[-1]):
        assert secret not in stored


# Kills itself at the last moment before the backup becomes visible.
KILLED = """
import os, signal, sys
from mosafe.backup.destination import FolderDestination
from mosafe.cli import command
FolderDestination.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv[1:] = ["backup", "create"]
command()
"""


def test_a_backup_that_was_killed_is_never_listed(copied: Rehearsed) -> None:
    environ = clean_environment(**copied.environ)
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environ, timeout=60, check=False)
    assert done.returncode == -9
    names = sorted(path.name for path in copied.backups.iterdir())
    assert len(names) == 2
    assert names[1].startswith("incomplete-")
    assert len(copied.run("list").splitlines()) == 1
    assert copied.run("prune") == "0 backups; 1 are there\n"  # it may still be written to
    copied.run("create")
    assert copied.run("list").splitlines()[-1].split()[0] not in names[1]


def test_the_page_of_backups_has_each_code() -> None:
    page = (ROOT / "docs" / "deploy" / "backups.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(BACKUP_[A-Z_]+)` \| (.*?) \|", page.partition("## Errors")[2], re.MULTILINE))
    assert rows == CODES
