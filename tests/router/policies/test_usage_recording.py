"""What a router records of its requests, and what happens if the store cannot be written.

Covers `router/usage/recorder.py`, `router/settings/sections/usage.py`.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.policies.usage_recording import UsageRecording
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from router.usage import recorder as recorder_module
from router.usage.usage_data import Client
from router.usage.usage_queries import read_coordinates, read_operations, read_totals
from tests.router.shop import SDL, Shop
from tests.router.usage.recording import ALWAYS, ask, opened, recorder_of, recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router.usage.recorder import UsageRecorder
    from router.usage.usage_data import OperationUsage

ME = "me: User @join__field(graph: PEOPLE)"
FILTER = """
input Filter @join__type(graph: PEOPLE) { role: Role text: String }
enum Role @join__type(graph: PEOPLE) { STAFF @join__enumValue(graph: PEOPLE) OWNER @join__enumValue(graph: PEOPLE) }
"""
INPUTS = SDL.replace(ME, ME.replace("me:", "me(filter: Filter):")) + FILTER
FILTERED = "query Me($f: Filter) { me(filter: $f) { id } }"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "usage.sqlite"


async def stored(file: Path) -> list[OperationUsage]:
    async with opened(str(file)) as store:
        return list(await read_operations(store, ALWAYS))


def has(file: Path, content: bytes) -> bool:
    """Return whether the store has some bytes, also in its log."""
    return any(content in each.read_bytes() for each in file.parent.iterdir() if each.is_file())


async def flushed(recorder: UsageRecorder) -> None:
    """Let the recorder write now."""
    await recorder._flush()  # noqa: SLF001  (the interval is long, so that a test decides when it ends)


async def test_requests_are_counted_by_operation_and_client(file: Path) -> None:
    async with recording(SDL, file) as gateway:
        for client in ("web", "web", "ios"):
            await ask(gateway, 'query Hello { greet(name: "secret") }', client)
        await ask(gateway, 'query Hello { greet(name: "other secret") }')
        await ask(gateway, "mutation { rename(name: $x) { id } }")  # not valid
        await ask(gateway, "{ me { id } }", "web")
        assert recorder_of(gateway).status.recorded == 0
    hello, me = await stored(file)
    assert hello.operation.text == 'query Hello {\n  greet(name: "")\n}'
    assert (hello.operation.name, hello.operation.kind, hello.counts.requests, hello.counts.errors) == (
        "Hello",
        "query",
        4,
        0,
    )
    assert {each.client: each.requests for each in hello.clients} == {
        Client("web", "1"): 2,
        Client("ios", "1"): 1,
        Client("", ""): 1,
    }
    assert 0 < hello.counts.seconds < 60
    assert sum(hello.counts.buckets) == 4
    assert me.operation.name == ""
    async with opened(str(file)) as store:
        used = await read_coordinates(store, ALWAYS)
    assert used["Query.greet(name:)"] == 4
    assert used["User.id"] == 1
    assert not has(file, b"secret")


async def test_errors_and_variables_are_recorded_but_no_values(file: Path) -> None:
    async with recording(INPUTS, file) as gateway:
        await ask(gateway, FILTERED, variables={"f": {"text": "secret"}})
        await ask(gateway, FILTERED, variables={"f": {"role": "OWNER"}})
        await ask(gateway, "query($name: String!) { greet(name: $name) }")  # refused
        await ask(gateway, "query($name: String!) { greet(name: $name) }", variables={"name": "secret"})
    greet, me = sorted(await stored(file), key=lambda each: each.operation.name)
    assert (greet.counts.requests, greet.counts.errors) == (2, 1)
    assert me.in_variables == frozenset({"Filter", "Filter.text", "Filter.role", "Role", "Role.OWNER"})
    assert not has(file, b"secret")


async def test_variables_that_were_not_looked_at_are_unknown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MAX_WAITING_VARIABLES", 2)
    async with recording(INPUTS, file) as gateway:
        for _ in range(3):
            await ask(gateway, FILTERED, variables={"f": {"text": ""}})
    (me,) = await stored(file)
    assert me.counts.requests == 3
    assert me.in_variables is None


async def test_waiting_variables_are_looked_at_before_the_next_write(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_LOOK_AT", 1)
    async with recording(INPUTS, file, ", flush_interval: 600s") as gateway:
        recorder = recorder_of(gateway)
        for _ in range(3):
            await ask(gateway, FILTERED, variables={"f": {"role": "STAFF"}})
        async with asyncio.timeout(30):
            while not recorder._pending.in_variables:  # noqa: SLF001  (nothing else shows it)
                await asyncio.sleep(0)


async def test_sampling_counts_one_request_for_many_and_knows_no_variables(file: Path) -> None:
    async with recording(INPUTS, file, ", one_in: 2") as gateway:
        for _ in range(200):
            await ask(gateway, FILTERED, variables={"f": {"text": ""}})
        await flushed(recorder_of(gateway))
        recorded = recorder_of(gateway).status.recorded
    (me,) = await stored(file)
    assert 40 < recorded < 160
    assert me.counts.requests == 2 * recorded
    assert me.in_variables is None


async def test_limits_of_what_waits_hold_and_are_counted(file: Path) -> None:
    async with recording(SDL, file, ", waiting_operations: 2, waiting_clients: 1") as gateway:
        for query, client in (("{ me { id } }", "web"), ("{ me { id } }", "ios"), ("{ me { name } }", "web")):
            await ask(gateway, query, client)
        assert recorder_of(gateway).status.not_recorded == 1
        await flushed(recorder_of(gateway))
    (me,) = await stored(file)
    assert {each.client.name: each.requests for each in me.clients} == {"web": 1, "(other)": 1}


async def test_more_operations_than_may_be_stored_are_counted(file: Path) -> None:
    async with recording(SDL, file, ", stored_operations: 1") as gateway:
        for query in ("{ me { id } }", "{ me { name } }"):
            await ask(gateway, query)
        await flushed(recorder_of(gateway))
        assert recorder_of(gateway).status.not_recorded == 1
    assert len(await stored(file)) == 1


async def test_headers_name_the_client_and_are_cut(file: Path) -> None:
    async with recording(SDL, file, ", client_name_header: x-app, client_version_header: x-release") as gateway:
        await gateway.execute(GraphQLRequest(query="{ me { id } }", headers={"x-app": "a" * 500, "x-release": "7"}))
    (me,) = await stored(file)
    assert [each.client for each in me.clients] == [Client("a" * 100, "7")]


def last_failure(recorder: UsageRecorder) -> str | None:
    return recorder.status.last_failure


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(_file: Path) -> Iterator[None]:
    """No file of this process can grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("failure", [locked, full])
async def test_a_store_that_cannot_be_written_fails_no_request_and_loses_nothing(
    file: Path, failure: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(failure)
    monkeypatch.setattr("servicekit.sqlite.BUSY_SECONDS", 0.05)
    async with recording(SDL, file, ", flush_interval: 600s") as gateway:
        recorder = recorder_of(gateway)
        await ask(gateway, "{ me { id } }")
        await flushed(recorder)
        assert recorder.status.failed_writes == 0
        # In the test, stdout is a file that cannot grow either.
        with failure(file), capture_logs():
            for _ in range(3):
                response = await ask(gateway, "{ me { id } }")
                assert response.body["data"] == {"me": {"id": "1"}}
                await flushed(recorder)
            assert recorder.status.failed_writes == 3
            assert "usage.sqlite" in (last_failure(recorder) or "")
            assert gateway.status()["usage"] == {
                "recorded": 4,
                "not_recorded": 0,
                "failed_writes": 3,
                "last_failure": last_failure(recorder),
            }
        await flushed(recorder)
        assert last_failure(recorder) is None
    async with opened(str(file)) as store:
        assert (await read_totals(store, ALWAYS)).counts.requests == 4


async def test_a_store_that_cannot_be_opened_fails_no_request(tmp_path: Path) -> None:
    file = tmp_path / "usage.sqlite"
    file.mkdir()
    async with recording(SDL, file) as gateway:
        assert "errors" not in (await ask(gateway, "{ me { id } }")).body
        await flushed(recorder_of(gateway))
        assert recorder_of(gateway).status.failed_writes == 1


async def test_what_waits_is_written_at_the_interval(file: Path) -> None:
    async with recording(SDL, file, ", flush_interval: 10ms") as gateway:
        await ask(gateway, "{ me { id } }")
        async with asyncio.timeout(30):
            while recorder_of(gateway)._store is None:  # noqa: SLF001  (nothing else shows it)
                await asyncio.sleep(0.01)


async def test_a_reload_goes_on_with_the_recorder_and_describes_operations_again(file: Path) -> None:
    async with recording(SDL, file) as first:
        await ask(first, "{ me { id } }")
        async with recording(SDL, file) as second:
            second.inherit(first)
            assert recorder_of(second) is recorder_of(first)
            await first.aclose()
            await ask(second, "{ me { id } }")
    (me,) = await stored(file)
    assert me.counts.requests == 2


async def test_a_reload_with_other_settings_starts_another_recorder(file: Path) -> None:
    async with recording(SDL, file) as first, recording(SDL, file.with_name("other.sqlite")) as second:
        second.inherit(first)
        assert recorder_of(second) is not recorder_of(first)


async def test_postgres_is_a_store_too(postgres_url: str) -> None:
    gateway = Gateway.from_supergraph(
        SDL, read(f"usage: {{enabled: true, postgres_url: '{postgres_url}'}}", {}), send=Shop()
    )
    await ask(gateway, "{ me { id } }", "web")
    await gateway.aclose()
    async with opened(postgres_url) as store:
        assert (await read_totals(store, ALWAYS)).clients[0][0] == Client("web", "1")


async def test_old_counts_are_deleted_as_the_settings_say(file: Path) -> None:
    async with recording(SDL, file, ", keep_days: 7, keep_minutes_days: 2") as gateway:
        limits = recorder_of(gateway).limits
        assert (limits.keep_days, limits.keep_minutes_days) == (7, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("usage: {enabled: true}", "recording usage needs either `file` or `postgres_url`"),
        ("usage: {enabled: true, file: a, postgres_url: 'postgresql://h/d'}", "either `file` or `postgres_url`"),
        ("usage: {postgres_url: 'mysql://h/d'}", "begins with postgres:// or postgresql://"),
        ("usage: {one_in: 0}", "usage.one_in"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read(settings, {})


def test_it_is_off_by_default() -> None:
    assert Gateway.from_supergraph(SDL, send=Shop()).stages.find(UsageRecording) is None
