from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from servicekit.errors import StartupError
from servicekit.private_files import create_private_file, make_private_folder, read_private_file, refuse_loose_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_every_folder_and_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    create_private_file(tmp_path / "a" / "b" / "key", "content")
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b"), mode(tmp_path / "a" / "b" / "key")) == (
        0o700,
        0o700,
        0o600,
    )
    assert read_private_file(tmp_path / "a" / "b" / "key") == "content"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["key"]


def test_a_folder_that_exists_is_closed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    make_private_folder(tmp_path / "data")
    assert mode(tmp_path / "data") == 0o700


def test_the_working_directory_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work" / "below").mkdir(parents=True)
    (tmp_path / "work").chmod(0o755)
    monkeypatch.chdir(tmp_path / "work" / "below")
    make_private_folder(tmp_path / "work")
    assert mode(tmp_path / "work") == 0o755


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    create_private_file(tmp_path / "key", "first")
    create_private_file(tmp_path / "key", "second")
    assert read_private_file(tmp_path / "key") == "first"


@pytest.mark.parametrize("loose", [0o644, 0o640, 0o604, 0o660, 0o777, 0o601])
def test_a_secret_that_others_can_open_is_refused_with_the_command(tmp_path: Path, loose: int) -> None:
    path = tmp_path / "key"
    create_private_file(path, "content")
    path.chmod(loose)
    for read in (read_private_file, refuse_loose_secret):
        with pytest.raises(StartupError, match=f"mode {loose:04o}\\): chmod 600 {path}"):
            read(path)
    path.chmod(0o600)
    assert read_private_file(path) == "content"


def test_a_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    create_private_file(tmp_path / "key", "content")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, problem in (("link", "is a link"), ("pipe", "is not a file")):
        with pytest.raises(StartupError, match=problem):
            read_private_file(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_and_a_folder_of_another_user_are_refused(tmp_path: Path) -> None:
    create_private_file(tmp_path / "key", "content")
    (tmp_path / "data").mkdir()
    for name in ("key", "data"):
        os.chown(tmp_path / name, 12345, 12345)
    with pytest.raises(StartupError, match="another user; mend it with: chown"):
        read_private_file(tmp_path / "key")
    with pytest.raises(StartupError, match="another user; mend it with: chown"):
        make_private_folder(tmp_path / "data")
