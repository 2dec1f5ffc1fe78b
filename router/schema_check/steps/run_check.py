"""Runs a check: the diff of both versions, and the other steps that the policy switches on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router.schema_check.judge_changes import check, with_step_findings
from router.schema_check.lint.find_rules import all_rules
from router.schema_check.lint.run_rules import LintInput, lint
from router.schema_check.lint.settings import parse_lint_settings
from router.schema_check.steps.broken_operations import broken_operation_findings
from router.schema_check.steps.contracts import contract_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.judge_changes import CheckInput, CheckResult
    from router.schema_check.policy.check_settings import CheckSettings
    from router.schema_check.step_findings import StepFinding


def run_check(given: CheckInput, settings: CheckSettings) -> CheckResult:
    """Return the result of all steps.

    Args:
        given: What is compared, with the findings of steps that have run already.
        settings: The policy, which switches steps off.

    Raises:
        InvalidLintSettings, InvalidRule: The lint rules cannot be used.
    """
    steps = settings.steps
    operations = given.operations if steps.operations else None
    usage = given.usage if steps.usage and steps.diff else None
    judged = replace(given, compares=steps.diff, operations=operations, usage=usage)
    result = check(judged)
    return with_step_findings(result, judged, list(_other_steps(given, judged, result, settings)))


def _other_steps(
    given: CheckInput, judged: CheckInput, result: CheckResult, settings: CheckSettings
) -> Iterator[StepFinding]:
    steps, operations = settings.steps, given.operations or ()
    if steps.lint and settings.lint is not None:
        rules = all_rules()
        chosen = parse_lint_settings(settings.lint, rules)
        yield from lint(given.proposed, given.base, LintInput(tuple(rules.values()), chosen, given.today))
    if steps.operations and not steps.diff:
        yield from broken_operation_findings(given.base.schema, given.proposed.schema, operations)
    if steps.contracts and settings.contracts:
        yield from contract_findings(replace(judged, compares=True), result, settings.contracts)
    old, new = given.base.supergraph_sdl, given.proposed.supergraph_sdl
    if steps.plan_cost and (operations or given.usage) and old is not None and new is not None:
        # The planner takes long to import, and this step is rare.
        from router.schema_check.steps.plan_costs import plan_cost_findings  # noqa: PLC0415

        yield from plan_cost_findings(old, new, operations, settings.plan_cost, given.usage)
