"""Every capability of a federation, over HTTP: subgraphs and router are servers, the client is one of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.router.oracle.cases import cases
from tests.router.oracle.served import Served, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.router.oracle.cases import Case

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
    answer = await federation.answer(case)
    assert not answer.differences(case), "\n".join(answer.differences(case))
