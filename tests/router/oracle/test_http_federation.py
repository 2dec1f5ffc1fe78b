"""The cases of tests/cases/federation over HTTP, and the checks that `http_federation.py` makes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.router.oracle.cases import ROOT, Case, cases
from tests.router.oracle.http_federation import HttpFederation, serve_federation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ALL = cases("federation")
# One object for each suite: pytest keeps a fixture as long as its parameter is the same object.
SUITES = {case.suite: case.subgraphs for case in ALL}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(request: pytest.FixtureRequest) -> AsyncIterator[HttpFederation]:
    async with serve_federation(request.param) as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("federation", "case"),
    [pytest.param(SUITES[case.suite], case, id=case.name) for case in ALL],
    indirect=["federation"],
)
async def test_the_response_and_the_requests_are_those_of_the_case(federation: HttpFederation, case: Case) -> None:
    differences = await federation.differences(case)
    assert not differences, "\n".join(differences)


NICKNAME = Case(ROOT / "federation" / "simple-entity-call" / "nickname")


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("response.json", {"data": {"member": {"id": "1", "nickname": "Bob"}}}, ["response", "one server"]),
        ("requests.json", {"members": 1, "nicknames": 2}, ["requests"]),
        ("requests.json", {"members": 1}, ["requests"]),
    ],
)
async def test_a_difference_from_the_files_of_a_case_is_found(
    tmp_path: Path, file: str, content: object, expected: list[str]
) -> None:
    folder = shutil.copytree(NICKNAME.suite, tmp_path / "suite") / NICKNAME.folder.name
    (folder / file).write_text(json.dumps(content))
    case = Case(folder)
    async with serve_federation(case.subgraphs) as running:
        differences = await running.differences(case)
    assert [difference.startswith(start) for difference, start in zip(differences, expected, strict=True)] == [
        True
    ] * len(expected)


@pytest.mark.parametrize(
    ("method", "path", "content", "expected"),
    [
        ("GET", "/graphql", b"", "received ('GET'"),
        ("POST", "/", b'{"query": "{ member { id } }"}', "received ('POST', '/'"),
        ("POST", "/graphql", b"[]", "received b'[]'"),
        ("POST", "/graphql", b'{"query": "{ member { nickname } }"}', "invalid operation"),
    ],
)
async def test_a_subgraph_records_invalid_requests(method: str, path: str, content: bytes, expected: str) -> None:
    async with serve_federation(NICKNAME.subgraphs) as running:
        await running.run(NICKNAME)
        members = running.subgraphs["members"]
        url = f"{running.addresses['members']}{path}"
        got = await running.client.request(method, url, content=content, headers={"content-type": "application/json"})
    assert got.status_code == 400
    assert [expected in description for description in members.invalid_requests] == [True]
