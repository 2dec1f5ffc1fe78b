"""`mosafe secrets init`: what it creates, and what it leaves alone. Covers `mosafe/secret_files.py`."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bank.variables import VARIABLES
from mosafe.secret_files import FILES, SERVERS, Owner, command, create_missing
from servicekit.errors import StartupError
from servicekit.private_files import refuse_loose_secret
from servicekit.secret_strength import weakness

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {file.name for file in FILES}


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_creates_every_file_for_the_user_alone(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["init", "--folder", str(tmp_path / "secrets")])
    assert done.exit_code == 0, done.output
    assert contents(tmp_path / "secrets").keys() == NAMES
    for path in [tmp_path / "secrets", *(tmp_path / "secrets").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        refuse_loose_secret(path)


def test_what_exists_is_not_changed_and_what_is_missing_fits_it(tmp_path: Path) -> None:
    create_missing(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "account_db_url").unlink()
    (tmp_path / "auth_jwt_secret").unlink()
    assert create_missing(tmp_path) == ["auth_jwt_secret", "account_db_url"]
    after = contents(tmp_path)
    assert {name for name in NAMES if before[name] != after[name]} == {"auth_jwt_secret"}
    assert create_missing(tmp_path) == []


def test_the_output_has_no_secret(tmp_path: Path) -> None:
    output = CliRunner().invoke(command, ["init", "--folder", str(tmp_path)]).output
    assert not [name for name, content in contents(tmp_path).items() if content.strip() in output]


def test_secrets_are_strong_and_differ(tmp_path: Path) -> None:
    create_missing(tmp_path)
    random = [
        text for name, text in contents(tmp_path).items() if not name.endswith(("_url", ".conf", ".json", "_keyfile"))
    ]
    assert len(set(random)) == len(random) == 13
    assert [text for text in random if len(text.strip()) != 64 or weakness(text.strip())] == []


def test_each_file_of_the_services_is_a_secret_of_the_platform() -> None:
    assert {name.upper() for name in NAMES if not name.startswith(SERVERS)} <= VARIABLES.secrets


def test_an_empty_file_is_reported_and_not_filled(tmp_path: Path) -> None:
    create_missing(tmp_path)
    (tmp_path / SERVERS / "redis_password").write_text("")
    with pytest.raises(StartupError, match="redis_password is empty"):
        create_missing(tmp_path)


@pytest.mark.parametrize("value", ["mosafe", "10001", "10001:", "-1:5", "a:b"])
def test_an_owner_is_given_by_number(value: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["init", "--folder", str(tmp_path / "new"), "--owner", value])
    assert done.exit_code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to other users")
def test_the_services_and_the_servers_get_their_files(tmp_path: Path) -> None:
    for _ in range(2):
        create_missing(tmp_path / "secrets", Owner(10001, 10002), Owner(999, 998))
        (tmp_path / "secrets" / "redis_url").unlink()  # the second run makes it anew, in a folder of another user
    for name in NAMES - {"redis_url"}:
        found = (tmp_path / "secrets" / name).stat()
        wanted = (999, 998) if name.startswith(SERVERS) else (10001, 10002)
        assert (found.st_uid, found.st_gid) == wanted, name
    assert (tmp_path / "secrets").stat().st_uid == 10001
