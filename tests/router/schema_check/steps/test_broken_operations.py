"""Known operations without a diff.

Covers `router/schema_check/steps/run_check.py`.
"""

from __future__ import annotations

import pytest

from router.schema_check.policy.check_settings import CheckSettings, Steps
from router.schema_check.steps.run_check import run_check
from tests.router.schema_check.steps.versions import compared, version

OLD, NEW = version("base", s="type Query { a: Int b: Int }"), version("new", s="type Query { b: Int }")
WITHOUT_DIFF = CheckSettings(steps=Steps(diff=False))


def test_an_operation_that_only_the_base_accepts() -> None:
    result = run_check(compared(OLD, NEW, "{ a }", "{ b }", "{ never }"), WITHOUT_DIFF)
    assert not result.passes
    assert result.findings == ()
    (found,) = result.step_findings
    assert found.id == "operations:OPERATION_INVALID:client.graphql#{ a }"
    assert found.notes == ("Cannot query field 'a' on type 'Query'. Did you mean 'b'?",)


@pytest.mark.parametrize(
    ("steps", "operations", "passes"),
    [
        (Steps(), ("{ a }",), False),
        (Steps(), ("{ b }",), True),
        # Without the known operations, every breaking change fails.
        (Steps(operations=False), ("{ b }",), False),
        (Steps(operations=False, diff=False), ("{ a }",), True),
        (Steps(diff=False), (), True),
    ],
)
def test_steps_can_be_switched(steps: Steps, operations: tuple[str, ...], passes: bool) -> None:  # noqa: FBT001
    assert run_check(compared(OLD, NEW, *operations), CheckSettings(steps=steps)).passes is passes
