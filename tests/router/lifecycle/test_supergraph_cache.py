"""The folder with data derived from supergraphs: what is written, and which files are used.

Covers `router/lifecycle/supergraph_cache.py`.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from graphql import GraphQLObjectType, print_schema
from structlog.testing import capture_logs

from router.errors import InvalidSupergraph
from router.lifecycle import supergraph_cache
from router.lifecycle.build_gateway import FileLocations, SupergraphText, build
from router.lifecycle.supergraph_cache import MAX_FILES, SupergraphCache
from router.supergraph import load
from router.supergraph.loading import load_document, parse_supergraph
from tests.router.lifecycle.harness import QUICK, running, sdl, write
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from graphql import DocumentNode

    from router.federation.sdl.parse_sdl import DefinitionsWithStarts
    from router.supergraph import Supergraph

NOTHING = {"hits": 0, "misses": 0, "refused": 0, "written": 0, "not_written": 0}


def cache_in(folder: Path | None) -> SupergraphCache:
    cache = SupergraphCache()
    cache.folder = folder
    return cache


def loaded(folder: Path, text: str = SDL) -> SupergraphCache:
    """A new cache that has loaded the text and written its file."""
    cache = cache_in(folder)
    assert print_schema(cache.load(text).api_schema) == print_schema(load(text).api_schema)
    cache.finish()
    return cache


def counts(**changes: int) -> dict[str, int]:
    return {**NOTHING, **changes}


def the_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def is_restored(graph: Supergraph) -> bool:
    """Whether the types of the supergraph are not built yet, as the type of a user, which nothing has used."""
    return type(graph.schema.type_map["User"]) is not GraphQLObjectType


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cache = cache_in(None)
    assert not is_restored(cache.load(SDL))
    cache.finish()
    assert cache.status() == {"folder": None, **NOTHING}
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_once_and_used_by_the_next_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    assert loaded(folder).counts == counts(misses=1, written=1)
    second = cache_in(folder)
    assert is_restored(second.load(SDL))
    assert second.status() == {"folder": str(folder), **counts(hits=1)}


def test_no_other_user_can_read_or_write_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    before = os.umask(0)
    try:
        loaded(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(the_file(folder).stat().st_mode) == 0o600


def test_another_text_and_another_version_have_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(tmp_path)
    assert loaded(tmp_path, SDL + "\n# the same schema").counts == counts(misses=1, written=1)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(supergraph_cache, "FORMAT", 0)
    assert loaded(tmp_path).counts == counts(misses=1, written=1)
    monkeypatch.setattr(supergraph_cache, "version", "0 of {}".format)
    assert loaded(tmp_path).counts == counts(misses=1, written=1)
    monkeypatch.setattr("platform.python_version", lambda: "2.7")
    assert loaded(tmp_path).counts == counts(misses=1, written=1)


def _write(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return apply


def _of_another_text(file: Path) -> None:
    other = file.parent / "other"
    loaded(other, sdl(7))
    the_file(other).replace(file)
    shutil.rmtree(other)


def _with_digest(content: bytes) -> Callable[[Path], None]:
    """A file whose digest is right, as only a process of the same user can write it."""

    def apply(file: Path) -> None:
        file.write_bytes(hashlib.sha256(file.name.encode() + content).digest() + content)

    return apply


def _link(file: Path) -> None:
    target = file.parent.parent / "target"
    file.replace(target)
    file.symlink_to(target)


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (_write(lambda _: b""), "digest"),
    "truncated": (_write(lambda content: content[:-1]), "digest"),
    "longer": (_write(lambda content: content + b"\0"), "digest"),
    "one bit": (_write(lambda content: content[:90] + bytes([content[90] ^ 1]) + content[91:]), "digest"),
    "of another text": (_of_another_text, "digest"),
    "other data": (_with_digest(msgspec.msgpack.encode(["no", "supergraph"])), "of at least length"),
    "no data": (_with_digest(b"\xc1"), "MessagePack data is malformed"),
    "a link": (_link, "Too many levels of symbolic links"),
    "a pipe": (_pipe, "not a regular file"),
    "writable by the group": (lambda file: file.chmod(0o620), "other users can write it"),
    "writable by all": (lambda file: file.chmod(0o602), "other users can write it"),
}
if os.geteuid() == 0:  # only root can give files away
    DAMAGE["of another user"] = (lambda file: os.chown(file, 12345, -1), "other users can write it")


@pytest.mark.parametrize("name", DAMAGE)
def test_an_unusable_file_is_refused_reported_once_and_replaced(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    damage, reason = DAMAGE[name]
    loaded(folder)
    damage(the_file(folder))
    cache = cache_in(folder)
    with capture_logs() as lines:
        assert not is_restored(cache.load(SDL))
        cache.finish()
        damage(the_file(folder))
        cache.load(SDL)
        cache.finish()
    assert cache.counts == counts(refused=2, written=2)
    (line,) = lines
    assert line["log_level"] == "warning"
    assert reason in line["reason"]
    assert loaded(folder).counts == counts(hits=1)
    if name == "a link":
        assert (tmp_path / "target").exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(tmp_path)
    monkeypatch.setattr(supergraph_cache, "MAX_BYTES", 10)
    assert loaded(tmp_path).counts == counts(refused=1, written=1)


def test_the_router_starts_although_the_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = cache_in(tmp_path / "file" / "cache")
    with capture_logs() as lines:
        cache.load(SDL)
        cache.finish()
    assert cache.counts == counts(refused=1, not_written=1)
    assert [line["reason"] for line in lines] == ["Not a directory", "Not a directory"]


def test_a_draft_that_cannot_become_the_file_is_removed(tmp_path: Path) -> None:
    loaded(tmp_path)
    _folder(the_file(tmp_path))
    (the_file(tmp_path) / "content").write_text("")
    cache = cache_in(tmp_path)
    cache.load(SDL)
    cache.finish()
    assert cache.counts == counts(refused=1, not_written=1)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_files_that_were_used_last_stay(tmp_path: Path) -> None:
    for version in range(MAX_FILES):
        loaded(tmp_path, sdl(version))
        os.utime(max(tmp_path.iterdir(), key=lambda file: file.stat().st_mtime), (version + 10, version + 10))
    assert loaded(tmp_path, sdl(0)).counts == counts(hits=1)
    loaded(tmp_path, sdl(MAX_FILES))
    assert len(list(tmp_path.iterdir())) == MAX_FILES
    assert loaded(tmp_path, sdl(0)).counts == counts(hits=1)
    assert loaded(tmp_path, sdl(1)).counts == counts(misses=1, written=1)


def test_drafts_of_processes_that_ended_are_removed_and_other_files_stay(tmp_path: Path) -> None:
    old, new = (tmp_path / f".{digit * 64}.12345.0123abcd.supergraph" for digit in "ab")
    foreign = [tmp_path / f"{number}.supergraph" for number in range(MAX_FILES + 1)]
    for file in (old, new, *foreign):
        file.write_text("")
        os.utime(file, None if file == new else (1, 1))
    loaded(tmp_path)
    assert not old.exists()
    assert new.exists()
    assert all(file.exists() for file in foreign)


def test_processes_that_write_the_same_file_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for cache in pool.map(lambda _: loaded(tmp_path), range(16)):
            assert cache.counts["refused"] == cache.counts["not_written"] == 0
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("introspection", [True, False])
def test_all_types_are_built_in_the_background_if_clients_may_read_the_schema(
    introspection: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
) -> None:
    loaded(tmp_path / "cache")
    (tmp_path / "router.yaml").write_text(f"introspection: {str(introspection).lower()}")
    locations = FileLocations(tmp_path / "router.yaml", None, {})
    threads = set(threading.enumerate())
    graphs: list[Supergraph] = []

    def load_and_note(text: str) -> Supergraph:
        graphs.append(cache_in(tmp_path / "cache").load(text))
        return graphs[0]

    build(locations, SupergraphText(SDL, "a test"), None, load_supergraph=load_and_note)
    for thread in threading.enumerate():
        if thread not in threads and thread.name == "build-types":
            thread.join()
    assert is_restored(graphs[0]) is not introspection


@pytest.mark.parametrize("folder", [None, "cache"])
def test_no_garbage_collection_runs_between_parsing_and_loading(
    folder: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would visit the whole document, which takes a sixth of the time of loading.
    runs: list[str] = []

    def noted(phase: str, _: dict[str, int]) -> None:
        runs.append(phase)

    def parsed(text: str) -> DefinitionsWithStarts:
        found = parse_supergraph(text)
        gc.callbacks.append(noted)
        return found

    def loaded(text: str, document: DocumentNode) -> Supergraph:
        gc.callbacks.remove(noted)
        return load_document(text, document)

    monkeypatch.setattr(supergraph_cache, "parse_supergraph", parsed)
    monkeypatch.setattr(supergraph_cache, "load_document", loaded)
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        cache = cache_in(None if folder is None else tmp_path / folder)
        cache.load(SDL)
        assert gc.isenabled()
    finally:
        gc.set_threshold(*before)
    cache.finish()
    assert runs == []


def test_an_invalid_supergraph_has_no_file(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    with pytest.raises(InvalidSupergraph):
        cache.load("type Query { a: Int }")
    cache.finish()
    assert list(tmp_path.iterdir()) == []


async def test_the_router_uses_the_configured_folder(tmp_path: Path) -> None:
    locations = write(tmp_path, 1, f"{QUICK}cache: {{folder: derived}}\n")
    async with running(locations) as live:
        status = await live.until(lambda status: status["supergraph_cache"]["written"] == 1)
        assert status["supergraph_cache"] == {"folder": str(tmp_path / "derived"), **counts(misses=1, written=1)}
    async with running(locations) as live:
        assert await live.version() == "v1"
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await live.until(lambda status: status["generation"] == 2)
        assert await live.version() == "v2"
        status = await live.until(lambda status: status["supergraph_cache"]["written"] == 1)
        assert status["supergraph_cache"]["hits"] == 1
    async with running(locations) as live:
        assert await live.version() == "v2"
        assert (await live.status())["supergraph_cache"]["hits"] == 1
