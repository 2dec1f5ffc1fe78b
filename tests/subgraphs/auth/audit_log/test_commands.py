"""`mosafe auth audit`, and the entries of the other commands; what each change of the file does to the verification.

Covers `subgraphs/auth/audit_log/commands.py`, `subgraphs/auth/audit_log/writing.py` and
`subgraphs/auth/audit_log/entry.py`.
"""

from __future__ import annotations

import getpass
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StartupError
from tests.subgraphs.auth.command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mosafe_auth(tmp_path: Path) -> CommandLine:
    command_line = CommandLine(tmp_path)
    command_line.output("users", "create", "ann@example.com", "--name", "Ann")
    command_line.output("users", "grant", "ann@example.com", "SUPPORT")
    command_line.output("users", "revoke", "ann@example.com", "SUPPORT")
    command_line.output("users", "disable", "ann@example.com")
    command_line.output("users", "enable", "ann@example.com")
    command_line.output("keys", "rotate")
    return command_line


def forge(folder: Path, *statements: str) -> None:
    """Change the file as somebody who can write to it: without the triggers."""
    with closing(sqlite3.connect(folder / "auth.sqlite3")) as connection:
        for trigger in ("audit_log_never_changes", "audit_log_keeps_all", "audit_log_has_no_gaps"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_each_command_has_an_entry_without_the_address(mosafe_auth: CommandLine) -> None:
    lines = mosafe_auth.output("audit", "list").splitlines()
    assert [line.split()[4] for line in reversed(lines)] == [
        "USER_CREATED",
        "ROLE_GRANTED",
        "ROLE_REVOKED",
        "USER_DISABLED",
        "USER_ENABLED",
        "SIGNING_KEYS_ROTATED",
    ]
    assert all(f"OPERATOR {getpass.getuser()}" in line and "command line" in line for line in lines)
    assert "role=SUPPORT" in lines[-2]
    assert "@" not in "".join(lines)


def test_each_command_for_keys_has_an_entry(mosafe_auth: CommandLine) -> None:
    key_id = mosafe_auth.output("keys", "list").split()[0]
    mosafe_auth.output("keys", "retire", key_id, "--now")
    mosafe_auth.output("keys", "reseal")
    resealed, retired, *_ = mosafe_auth.output("audit", "list").splitlines()
    assert "SECRETS_RESEALED" in resealed
    assert f"SIGNING_KEY_RETIRED  SIGNING_KEY {key_id}  DONE" in retired
    assert mosafe_auth.output("audit", "verify").startswith("ok: 8 entries")


def test_a_command_that_is_refused_has_no_entry(mosafe_auth: CommandLine) -> None:
    before = mosafe_auth.output("audit", "list")
    assert mosafe_auth.run("users", "create", "ann@example.com", "--name", "Ann").exit_code == 1
    assert mosafe_auth.run("users", "grant", "nobody@example.com", "ADMIN").exit_code == 1
    assert mosafe_auth.output("audit", "list") == before


def test_a_list_is_restricted(mosafe_auth: CommandLine) -> None:
    (line,) = mosafe_auth.output("audit", "list", "--action", "ROLE_GRANTED").splitlines()
    assert len(mosafe_auth.output("audit", "list", "--subject", line.split()[6]).splitlines()) == 5
    assert len(mosafe_auth.output("audit", "list", "--limit", "1").splitlines()) == 1
    assert mosafe_auth.output("audit", "list", "--actor", "nobody") == ""


def test_a_right_log_is_verified(mosafe_auth: CommandLine) -> None:
    output = mosafe_auth.output("audit", "verify")
    assert output.startswith("ok: 6 entries; the last is 6:")
    place = output.split()[-1]
    mosafe_auth.output("users", "enable", "ann@example.com")
    assert mosafe_auth.output("audit", "verify", "--contains", place).startswith("ok: 7 entries")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor_id = 'somebody else' WHERE position = 3",
        "UPDATE audit_log SET at = at + 1 WHERE position = 3",
        "UPDATE audit_log SET outcome = 'KING' WHERE position = 3",
        "UPDATE audit_log SET details = 'no JSON' WHERE position = 3",
        "UPDATE audit_log SET details = '[]' WHERE position = 3",
        "UPDATE audit_log SET hash = zeroblob(32) WHERE position = 3",
    ],
)
def test_the_first_changed_entry_is_named(mosafe_auth: CommandLine, tmp_path: Path, statement: str) -> None:
    forge(tmp_path, statement)
    result = mosafe_auth.run("audit", "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("BROKEN after 2 entries: 3  ")


def test_a_removed_entry_is_found_at_the_next(mosafe_auth: CommandLine, tmp_path: Path) -> None:
    forge(tmp_path, "DELETE FROM audit_log WHERE position = 2")
    result = mosafe_auth.run("audit", "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("BROKEN after 1 entries: 3  ")


def test_removed_last_entries_are_found_by_a_kept_hash(mosafe_auth: CommandLine, tmp_path: Path) -> None:
    place = mosafe_auth.output("audit", "verify").split()[-1]
    forge(tmp_path, "DELETE FROM audit_log WHERE position > 4")
    assert mosafe_auth.output("audit", "verify").startswith("ok: 4 entries")
    result = mosafe_auth.run("audit", "verify", "--contains", place)
    assert result.exit_code == 1
    assert "does not have the entry" in result.stdout


def test_a_malformed_place_is_refused(mosafe_auth: CommandLine) -> None:
    assert mosafe_auth.run("audit", "verify", "--contains", "six").exit_code == 2


def test_an_empty_log_is_right(tmp_path: Path) -> None:
    assert CommandLine(tmp_path).output("audit", "verify") == "ok: 0 entries\n"


def test_another_key_is_refused(mosafe_auth: CommandLine) -> None:
    mosafe_auth.variables["AUTH_AUDIT_KEY"] = "another key of the audit log, long enough"
    result = mosafe_auth.run("users", "enable", "ann@example.com")
    assert isinstance(result.exception, StartupError)
    assert "AUTH_AUDIT_KEY: the entries of the audit log were chained with another key" in str(result.exception)
