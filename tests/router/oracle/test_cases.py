"""The cases of tests/cases/execution: mostly counter-examples that the oracle found, executed in this process.

`test_http_federation.py` executes the cases of tests/cases/federation over HTTP.
"""

from __future__ import annotations

import json

import pytest

from tests.router.oracle.cases import Case, cases

EXECUTION = cases("execution")


@pytest.mark.parametrize("case", EXECUTION, ids=[case.name for case in EXECUTION])
async def test_the_response_is_that_of_the_case(case: Case) -> None:
    got = await case.response()
    assert json.dumps(got, indent=1) == json.dumps(case.expected, indent=1)


PLANNED = [case for case in [*EXECUTION, *cases("federation")] if case.expected_plan is not None]


@pytest.mark.parametrize("case", PLANNED, ids=[case.name for case in PLANNED])
def test_the_plan_is_that_of_the_case(case: Case) -> None:
    assert case.plan() == case.expected_plan
