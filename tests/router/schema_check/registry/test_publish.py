"""Publishing to a registry in a folder, and reading it back.

Covers `router/schema_check/registry/open_registry.py`, `router/schema_check/registry/read_registry.py`,
`router/schema_check/registry/registry_files.py`, `router/schema_check/registry/read_and_verify_history.py`,
`router/schema_check/registry/registry_store.py`, `router/schema_check/registry/registry_version.py` and
`router/schema_check/registry/web_folder.py`.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from router.composition import Subgraph
from router.schema_check.registry.publish import NotPublishable, Publication
from router.schema_check.registry.publish import publish as publish_to
from router.schema_check.registry.read_and_verify_history import history, verify
from router.schema_check.registry.read_registry import read_registry
from router.schema_check.registry.registry_files import Folder
from router.schema_check.registry.registry_version import RegistryError, RegistryVersion
from tests.router.schema_check.git_repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOKS = Subgraph("books", "http://books.example/", "type Query { book: Int }")
PEOPLE = Subgraph("people", "http://people.example/", "type Query { person: Int }")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def publish(folder: Path, wanted: Publication) -> RegistryVersion | None:
    return publish_to(str(folder), wanted, 1)


def publication(*subgraphs: Subgraph, removed: tuple[str, ...] = ()) -> Publication:
    return Publication(subgraphs, removed, "ann", "why", NOW)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry with two versions."""
    folder = tmp_path / "registry"
    publish(folder, publication(BOOKS))
    publish(folder, publication(PEOPLE))
    return folder


def test_what_was_published_is_read(registry: Path) -> None:
    found = read_registry(str(registry), 1)
    assert found.subgraphs == (BOOKS, PEOPLE)
    assert found.label == f"{registry} (version 2)"
    assert (found.version.published, found.version.by, found.version.reason) == ("2026-01-02T03:04:05Z", "ann", "why")
    assert [each.since for each in found.version.subgraphs.values()] == [1, 2]


def test_nothing_new_is_no_version(registry: Path) -> None:
    assert publish(registry, publication(replace(BOOKS, url=""))) is None
    assert not (registry / "versions/3.json").exists()


def test_a_new_url_is_a_version(registry: Path) -> None:
    version = publish(registry, publication(replace(BOOKS, url="http://new.example/")))
    assert version is not None
    assert (version.version, version.changed, version.subgraphs["books"].since) == (3, ("books",), 1)


def test_a_subgraph_leaves(registry: Path) -> None:
    publish(registry, publication(removed=("books",)))
    assert read_registry(str(registry), 1).subgraphs == (PEOPLE,)
    with pytest.raises(RegistryError, match='has no subgraph "books"; it has people'):
        publish(registry, publication(removed=("books",)))


def test_a_new_subgraph_needs_a_url(registry: Path) -> None:
    with pytest.raises(RegistryError, match='has no subgraph "new" yet, so its URL is needed'):
        publish(registry, publication(Subgraph("new", "", "type Query { a: Int }")))


def test_what_does_not_compose_is_not_published(registry: Path) -> None:
    before = sorted(registry.rglob("*"))
    with pytest.raises(NotPublishable) as caught:
        publish(registry, publication(replace(PEOPLE, sdl="type Query { book: String }")))
    assert "FIELD_TYPE_MISMATCH" in {error.code for error in caught.value.composition.errors}
    assert sorted(registry.rglob("*")) == before


def test_publications_at_once_are_versions_of_their_own(registry: Path) -> None:
    subgraphs = [Subgraph(f"s{i}", f"http://s{i}.example/", f"type Query {{ s{i}: Int }}") for i in range(8)]
    with ThreadPoolExecutor(4) as threads:
        versions = list(threads.map(lambda each: publish(registry, publication(each)), subgraphs))
    assert sorted(each.version for each in versions if each is not None) == list(range(3, 11))
    assert len(read_registry(str(registry), 1).subgraphs) == 10
    assert verify(Folder("r", registry)) == 10


def test_an_interrupted_publication_is_not_seen_and_the_next_one_repairs_it(registry: Path) -> None:
    """The process ended before `latest.json` was replaced."""
    before = (registry / "latest.json").read_bytes()
    publish(registry, publication(replace(BOOKS, url="http://lost.example/")))
    (registry / "latest.json").write_bytes(before)
    assert read_registry(str(registry), 1).version.version == 2
    publish(registry, publication(replace(BOOKS, url="http://new.example/")))
    assert verify(Folder("r", registry)) == 3
    assert read_registry(str(registry), 1).subgraphs[0].url == "http://new.example/"


def test_the_history_is_complete(registry: Path) -> None:
    assert [(each.version, each.changed) for each in history(Folder("r", registry))] == [
        (2, ("people",)),
        (1, ("books",)),
    ]


@pytest.mark.parametrize("pattern", ["schemas/books/*.graphql", "supergraphs/*.graphql", "versions/1.json"])
def test_a_changed_file_is_found(registry: Path, pattern: str) -> None:
    (changed, *_) = registry.glob(pattern)
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(RegistryError, match=f"{changed.name}: the content does not have the checksum"):
        verify(Folder("r", registry))


def test_a_changed_sdl_is_not_read(registry: Path) -> None:
    (changed,) = registry.glob("schemas/books/*.graphql")
    changed.write_text("type Query { evil: Int }")
    with pytest.raises(RegistryError, match="does not have the checksum"):
        read_registry(str(registry), 1)


def test_a_missing_file_is_named(registry: Path) -> None:
    (missing,) = registry.glob("schemas/books/*.graphql")
    missing.unlink()
    with pytest.raises(RegistryError, match=f"{missing.name}: does not exist, but a version of the registry names it"):
        read_registry(str(registry), 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not a version of a registry"),
        (b"[]", "is not a version of a registry"),
        (b"\xff", "is not a version of a registry"),
    ],
)
def test_a_broken_latest_file(registry: Path, content: bytes, message: str) -> None:
    (registry / "latest.json").write_bytes(content)
    with pytest.raises(RegistryError, match=message):
        read_registry(str(registry), 1)


def test_a_later_format_is_refused(registry: Path) -> None:
    latest = json.loads((registry / "latest.json").read_text())
    (registry / "latest.json").write_text(json.dumps({**latest, "format": 2}))
    with pytest.raises(RegistryError, match="has format 2; this version of the router reads format 1"):
        read_registry(str(registry), 1)


def test_an_empty_folder_is_no_registry(tmp_path: Path) -> None:
    with pytest.raises(
        RegistryError, match=r"nothing is published there: it has no latest\.json; see `router publish`"
    ):
        read_registry(str(tmp_path), 1)


def test_a_folder_of_a_git_repository(registry: Path, tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "git")
    (repository.folder / "reg").symlink_to(registry)
    (repository.folder / "reg").unlink()
    registry.rename(repository.folder / "reg")
    repository.commit()
    found = read_registry(f"git+file://{repository.folder}#main:reg", 30)
    assert found.subgraphs == (BOOKS, PEOPLE)
    with pytest.raises(RegistryError, match=r"#gone:reg: git cannot clone it: .*gone"):
        read_registry(f"git+file://{repository.folder}#gone:reg", 30)
    with pytest.raises(RegistryError, match="is not the URL of a git repository"):
        read_registry("git+--upload-pack=x", 30)


@pytest.fixture
def web(registry: Path) -> Iterator[str]:
    """A web server for the folder of the registry."""
    handler = partial(_Quiet, directory=str(registry))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def test_a_web_server(web: str) -> None:
    assert read_registry(web, 10).subgraphs == (BOOKS, PEOPLE)
    with pytest.raises(RegistryError, match=r"it has no latest\.json"):
        read_registry(f"{web}/versions", 10)


def test_a_web_server_that_is_not_there() -> None:
    with pytest.raises(RegistryError, match=r"cannot be reached.*without a network, name a folder as --registry"):
        read_registry("http://127.0.0.1:1", 5)


def test_git_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RegistryError, match="git is not installed"):
        read_registry("git+file:///nowhere", 5)


def test_git_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("git", 5)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(RegistryError, match="did not clone it in 5 s"):
        read_registry("git+file:///nowhere", 5)
