"""Case folders: counter-examples the oracle found (execution) and the capabilities of a federation (federation).

Here the former are run in this process; test_served.py runs the latter over HTTP.
"""

from __future__ import annotations

import json

import pytest

from tests.router.oracle.cases import Case, cases

EXECUTION = cases("execution")


@pytest.mark.parametrize("case", EXECUTION, ids=[case.name for case in EXECUTION])
async def test_the_router_answers_as_the_case_says(case: Case) -> None:
    got = await case.response()
    assert json.dumps(got, indent=1) == json.dumps(case.expected, indent=1)


PLANNED = [case for case in [*EXECUTION, *cases("federation")] if case.expected_plan is not None]


@pytest.mark.parametrize("case", PLANNED, ids=[case.name for case in PLANNED])
def test_the_plan_is_the_one_the_case_says(case: Case) -> None:
    assert case.plan() == case.expected_plan
