"""Every capability of a federation, over HTTP: subgraphs and router are servers, the client is one of theirs."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.router.oracle.cases import ROOT, Case, cases
from tests.router.oracle.served import Served, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ALL = cases("federation")
# One object for each suite: pytest keeps a fixture for as long as its parameter stays the same object.
SUITES = {case.suite: case.subgraphs for case in ALL}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with served(request.param) as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("federation", "case"),
    [pytest.param(SUITES[case.suite], case, id=case.name) for case in ALL],
    indirect=["federation"],
)
async def test_a_client_gets_what_the_case_says(federation: Served, case: Case) -> None:
    differences = await federation.differences(case)
    assert not differences, "\n".join(differences)


NICKNAME = Case(ROOT / "federation" / "simple-entity-call" / "nickname")


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("response.json", {"data": {"member": {"id": "1", "nickname": "Bob"}}}, ["response", "one server"]),
        ("requests.json", {"members": 1, "nicknames": 2}, ["requests"]),
        ("requests.json", {"members": 1}, ["requests"]),
    ],
)
async def test_a_case_that_says_otherwise_fails(tmp_path: Path, file: str, content: object, told: list[str]) -> None:
    folder = shutil.copytree(NICKNAME.suite, tmp_path / "suite") / NICKNAME.folder.name
    (folder / file).write_text(json.dumps(content))
    case = Case(folder)
    async with served(case.subgraphs) as running:
        differences = await running.differences(case)
    assert [difference.startswith(start) for difference, start in zip(differences, told, strict=True)] == [True] * len(
        told
    )


@pytest.mark.parametrize(
    ("method", "path", "content", "told"),
    [
        ("GET", "/graphql", b"", "asked with ('GET'"),
        ("POST", "/", b'{"query": "{ member { id } }"}', "asked with ('POST', '/'"),
        ("POST", "/graphql", b"[]", "was sent b'[]'"),
        ("POST", "/graphql", b'{"query": "{ member { nickname } }"}', "invalid operation"),
    ],
)
async def test_a_subgraph_keeps_what_no_router_may_send(method: str, path: str, content: bytes, told: str) -> None:
    async with served(NICKNAME.subgraphs) as running:
        await running.answer(NICKNAME)
        members = running.services["members"]
        url = f"{running.addresses['members']}{path}"
        got = await running.client.request(method, url, content=content, headers={"content-type": "application/json"})
    assert got.status_code == 400
    assert [told in misuse for misuse in members.misuses] == [True]
