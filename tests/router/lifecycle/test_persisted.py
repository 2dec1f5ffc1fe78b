"""A live router with persisted documents: prepared before the first request, and kept when a new list is broken."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.router.lifecycle.harness import QUICK, running, write

if TYPE_CHECKING:
    from pathlib import Path

ME, GREET = "query Me { me { name } }", 'query Greet { greet(name: "x") }'


def listing(folder: Path, content: object) -> str:
    (folder / "list.json").write_text(json.dumps(content))
    return f"{QUICK}persisted_documents: {{mode: measure, manifests: ['{folder}/list.json']}}\n"


async def test_the_documents_of_the_list_are_prepared_before_the_start(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1, listing(tmp_path, {"1": ME, "2": GREET}))) as live:
        assert (await live.status())["warmed_up"] == {"prepared": 2, "skipped": 0, "left": 0}


async def test_they_are_prepared_beside_the_operations_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "first.json").write_text(json.dumps([ME, "{ me { id } }"]))
    settings = listing(tmp_path, {"1": ME, "2": GREET}) + f"warm_up: {{file: '{tmp_path}/first.json'}}\n"
    async with running(write(tmp_path, 1, settings)) as live:
        assert (await live.status())["warmed_up"]["prepared"] == 3


async def test_documents_added_to_the_list_are_prepared_at_a_reload_besides_the_most_used(tmp_path: Path) -> None:
    settings = listing(tmp_path, {"1": ME}) + "warm_up: {rate: 1000}\n"
    async with running(write(tmp_path, 1, settings)) as live:
        await live.client.post({"query": "{ me { id } }"})
        listing(tmp_path, {"1": ME, "2": GREET})
        await live.router.reload()
        await live.client.post({"documentId": "2"})
        assert (await live.status())["caches"]["plans"]["hits"] == 1


async def test_no_more_documents_are_prepared_than_the_caches_hold(tmp_path: Path) -> None:
    settings = listing(tmp_path, {str(number): f"{{ a{number}: __typename }}" for number in range(9)})
    async with running(write(tmp_path, 1, f"{settings}cache: {{documents: 4}}\n")) as live:
        assert (await live.status())["warmed_up"] == {"prepared": 4, "skipped": 0, "left": 0}


async def test_a_broken_list_is_refused_with_the_reason_and_the_old_one_kept(tmp_path: Path) -> None:
    origin = write(tmp_path, 1, listing(tmp_path, {"1": ME}))
    async with running(origin) as live:
        (tmp_path / "list.json").write_text("{")
        (result,) = await live.router.reload()
        assert result["result"] == "refused"
        assert "list.json: not a manifest" in str(result["reason"])
        answer = await live.client.post({"documentId": "unknown"})
        assert answer.code == "PERSISTED_QUERY_NOT_IN_LIST"


@pytest.mark.parametrize(("entries", "known"), [(512, True), (511, False)])
async def test_registered_documents_survive_a_reload_with_the_same_limits(
    tmp_path: Path, entries: int, *, known: bool
) -> None:
    hashed = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(b"{__typename}").hexdigest()}}}
    apq = f"{QUICK}apq: {{enabled: true, entries: %d}}\n"
    async with running(write(tmp_path, 1, apq % 512)) as live:
        assert (await live.client.post({"query": "{__typename}", **hashed})).json == {"data": {"__typename": "Query"}}
        write(tmp_path, 2, apq % entries)
        await live.router.reload()
        assert await live.version() == "v2"
        assert ("errors" not in (await live.client.post(hashed)).json) == known
