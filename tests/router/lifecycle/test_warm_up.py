"""Operations that are prepared before clients send them."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from router.gateway import Gateway
from router.lifecycle.warm_up import Throttle, WarmUpDocument, read_documents, warm
from router.settings.sections.warm_up import WarmUp
from servicekit.errors import StartupError
from tests.router.lifecycle.harness import running, sdl, write
from tests.router.shop import SDL

if TYPE_CHECKING:
    from pathlib import Path

ME = "query Me { me { name } }"
GREET = 'query Greet { greet(name: "x") }'


def manifest(folder: Path, content: object) -> Path:
    (folder / "operations.json").write_text(json.dumps(content))
    return folder / "operations.json"


@pytest.mark.parametrize(
    "content",
    [
        [ME, GREET],
        {"id1": ME, "id2": GREET},
        {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"body": ME}, {"body": GREET}]},
    ],
)
def test_a_manifest_may_have_any_of_three_formats(tmp_path: Path, content: object) -> None:
    assert [wanted.query for wanted in read_documents(manifest(tmp_path, content))] == [ME, GREET]


def test_a_folder_of_documents_is_read(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.graphql").write_text(ME)
    (tmp_path / "b" / "c.graphql").write_text(GREET)
    (tmp_path / "README.md").write_text("not one")
    assert [wanted.query for wanted in read_documents(tmp_path)] == [ME, GREET]


@pytest.mark.parametrize("content", [3, "text", {"operations": [{"name": "Q"}]}, [1]])
def test_another_format_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(StartupError, match="not a manifest of operations"):
        read_documents(manifest(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be read"):
        read_documents(tmp_path / "nothing.json")


async def test_the_first_request_of_a_client_finds_its_plan(tmp_path: Path) -> None:
    settings = f"warm_up: {{file: {manifest(tmp_path, [ME, '{ gone }'])}}}"
    async with running(write(tmp_path, 1, settings)) as live:
        status = await live.status()
        assert status["warmed_up"] == {"prepared": 1, "skipped": 1, "left": 0}
        await live.client.post({"query": ME})
        caches = (await live.status())["caches"]
        # What the warm-up did not find is no miss of a client.
        for cache in ("documents", "plans"):
            assert (caches[cache]["hits"], caches[cache]["misses"], caches[cache]["hit_ratio"]) == (1, 0, 1.0)


@pytest.mark.parametrize(("count", "prepared"), [(300, 3), (1, 1), (0, 0)])
async def test_a_new_supergraph_is_warmed_up_with_what_was_used_most(tmp_path: Path, count: int, prepared: int) -> None:
    async with running(write(tmp_path, 1, f"warm_up: {{hottest: {count}, rate: 1000}}")) as live:
        for query in (ME, ME, GREET):
            await live.client.post({"query": query})
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await live.router.reload()
        status = await live.status()
        # `{ __typename }`, with which a gateway tries itself, was used less than either.
        assert status["warmed_up"]["prepared"] == prepared
        hits = status["caches"]["plans"]["hits"]
        await live.client.post({"query": ME})
        assert (await live.status())["caches"]["plans"]["hits"] == hits + (count > 0)


async def test_after_a_reload_no_request_waits_for_the_planner(tmp_path: Path) -> None:
    """Neither a document that clients used before, nor one that has only other values in it."""
    async with running(write(tmp_path, 1, "warm_up: {rate: 1000}")) as live:
        for query in (ME, GREET):
            await live.client.post({"query": query})
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await live.router.reload()
        for query in (ME, GREET, *(f'query Greet {{ greet(name: "other {number}") }}' for number in range(5))):
            await live.client.post({"query": query})
        plans = (await live.status())["caches"]["plans"]
        assert (plans["hits"], plans["misses"]) == (7, 0)


async def test_the_most_used_documents_stay_in_a_full_cache(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1, "warm_up: {rate: 1000}\ncache: {plans: 1}")) as live:
        for query in (ME, ME, GREET, "{ me { id } }"):
            await live.client.post({"query": query})
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await live.router.reload()
        await live.client.post({"query": ME})
        assert (await live.status())["caches"]["plans"]["hits"] == 1


def gateway() -> Gateway:
    return Gateway.from_supergraph(SDL)


def many(count: int) -> list[WarmUpDocument]:
    return [WarmUpDocument(f"query Q{number} {{ me {{ name }} }}") for number in range(count)]


def test_while_clients_are_served_it_keeps_to_its_rate() -> None:
    started = time.monotonic()
    assert warm(gateway(), many(5), Throttle(WarmUp(rate=50), threading.Event())).prepared == 5
    assert time.monotonic() - started >= 4 * 0.02


def test_before_clients_are_served_it_does_not_pause() -> None:
    started = time.monotonic()
    warm(gateway(), many(5), Throttle(WarmUp(rate=1), None))
    assert time.monotonic() - started < 1


def test_it_ends_at_its_time_limit() -> None:
    warm_up_result = warm(gateway(), many(500), Throttle(WarmUp(timeout="50ms", rate=100), threading.Event()))
    assert 0 < warm_up_result.prepared < 100
    assert warm_up_result.left == 500 - warm_up_result.prepared


def test_it_ends_when_the_router_stops() -> None:
    stopped = threading.Event()
    stopped.set()
    assert warm(gateway(), many(3), Throttle(WarmUp(), stopped)) == (1, 0, 2)


async def test_every_operation_of_a_document_that_was_used_is_prepared(tmp_path: Path) -> None:
    both = "query A { me { id } } query B { me { name } }"
    async with running(write(tmp_path, 1, "warm_up: {rate: 1000}")) as live:
        for name in ("A", "B"):
            await live.client.post({"query": both, "operationName": name})
        (tmp_path / "supergraph.graphql").write_text(sdl(2))
        await live.router.reload()
        plans: Any = (await live.status())["caches"]["plans"]
        assert plans["entries"] == 3
