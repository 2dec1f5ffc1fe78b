"""A backup of a small installation, which the tests of this folder damage in copies."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.mosafe.backup.installation import Rehearsed
from tests.s3_server import new_bucket, serving_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """An embedded installation with one backup. Do not change it."""
    found = Rehearsed(tmp_path_factory.mktemp("backed_up"))

    async def fill() -> None:
        async with found.services() as (bank, auth):
            await auth.sign_up("Ann")
            await bank.open(bank.ann, "12.00")

    asyncio.run(fill())
    found.run("create")
    return found


@pytest.fixture
def copied(backed_up: Rehearsed, tmp_path: Path) -> Rehearsed:
    """A copy of the installation and of its backup."""
    shutil.copytree(backed_up.folder, tmp_path / "copy")
    return Rehearsed(tmp_path / "copy")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of a server with the API of S3."""
    with serving_s3() as url:
        yield url


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket."""
    return new_bucket(s3_server, monkeypatch)
