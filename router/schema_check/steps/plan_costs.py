"""Compares the plans of known operations in both versions: how many fetches, and how many of them run in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import validate

from router.errors import InvalidSupergraph, PlanningError
from router.get_operation import get_operation
from router.plan import iter_fetches
from router.planner import Planner
from router.schema_check.step_findings import Level, StepFinding
from router.supergraph import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.schema_check.operations.known_operations import KnownOperation
    from router.schema_check.operations_from_usage_store import UsageSource
    from router.schema_check.policy.check_settings import PlanCostLimits
    from router.supergraph import Supergraph

STEP: Final = "plan_cost"


@dataclass(frozen=True, slots=True)
class PlanCosts:
    """What a plan costs.

    Attributes:
        fetches: The number of requests to subgraphs, including requests under conditions that exclude each other.
        depth: How many fetches run one after the other.
    """

    fetches: int
    depth: int

    @property
    def text(self) -> str:
        """The number of fetches in words."""
        return f"{self.fetches} fetch" if self.fetches == 1 else f"{self.fetches} fetches"


@dataclass(frozen=True, slots=True)
class _Versions:
    """The planners of both versions and their supergraphs."""

    old: Supergraph
    new: Supergraph
    old_planner: Planner
    new_planner: Planner


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What the plan of one operation costs in each version."""

    operation: KnownOperation
    before: PlanCosts
    after: PlanCosts


def plan_cost_findings(
    old_sdl: str,
    new_sdl: str,
    operations: Sequence[KnownOperation],
    limits: PlanCostLimits,
    usage: UsageSource | None = None,
) -> Iterator[StepFinding]:
    """Yield a finding for each operation whose plan costs more or less than before, and one for all requests together.

    An operation that is invalid in one of the versions is left out, because another step reports it.

    Args:
        old_sdl: The supergraph of the base.
        new_sdl: The supergraph of the proposed version.
        operations: The known operations of files.
        limits: How much more a plan may cost.
        usage: The usage store, whose operations with the most requests are planned too. An operation with a smaller
            share of the requests than `usage.below` does not make the check fail.

    Raises:
        StoreFailure: The usage store cannot be read now.
    """
    if old_sdl == new_sdl:
        return
    try:
        old, new = load(old_sdl), load(new_sdl)
    except InvalidSupergraph as error:
        yield _finding("SUPERGRAPH_NOT_PLANNABLE", Level.ERROR, f"No operation can be planned: {error.message}", "")
        return
    versions, compared = _Versions(old, new, Planner(old), Planner(new)), []
    for operation in (*operations, *(usage.most_requested(limits.most_operations) if usage else ())):
        if validate(old.api_schema, operation.document) or validate(new.api_schema, operation.document):
            continue
        found = _compare(versions, operation)
        if isinstance(found, StepFinding):
            yield found
        elif found is not None:
            compared.append(found)
            yield from _judge(found, limits, usage)
    yield from _judge_requests(compared, limits)


def _compare(versions: _Versions, operation: KnownOperation) -> _Comparison | StepFinding | None:
    """Return the costs with both versions, or a finding if the new version cannot run the operation.

    None if the base cannot run the operation either, so that no change can make it worse.
    """
    try:
        before = _costs(versions.old_planner, versions.old, operation)
    except PlanningError:
        return None
    try:
        return _Comparison(operation, before, _costs(versions.new_planner, versions.new, operation))
    except PlanningError as error:
        message = f"{operation.label} can no longer be planned: {error.message}"
        return _finding("PLAN_FAILED", Level.ERROR, message, operation.id)


def _judge(found: _Comparison, limits: PlanCostLimits, usage: UsageSource | None) -> Iterator[StepFinding]:
    operation, before, after = found.operation, found.before, found.after
    if before == after:
        return
    message = (
        f"{operation.label} takes {after.text}, at most {after.depth} in a row; "
        f"it took {before.text}, at most {before.depth} in a row."
    )
    grows = after.fetches > before.fetches or after.depth > before.depth
    if not grows:
        yield _finding("PLAN_COST_FELL", Level.INFO, message, operation.id)
        return
    counts = usage is None or operation.usage is None or usage.counted.suffices(operation.usage.counts.requests)
    level = Level.ERROR if counts and _exceeds(before, after, limits) else Level.WARNING
    yield _finding("PLAN_COST_GREW", level, message, operation.id)


def _judge_requests(compared: Sequence[_Comparison], limits: PlanCostLimits) -> Iterator[StepFinding]:
    """Yield a finding if the requests of the usage store need more or fewer fetches on average."""
    weighted = [(each, each.operation.usage.counts.requests) for each in compared if each.operation.usage is not None]
    requests = sum(weight for _, weight in weighted)
    before = sum(each.before.fetches * weight for each, weight in weighted)
    after = sum(each.after.fetches * weight for each, weight in weighted)
    if before == after:
        return
    message = (
        f"A request takes {after / requests:.2f} fetches on average; it took {before / requests:.2f}. "
        f"Known are {requests:,} requests of {len(weighted):,} operations."
    )
    limit = limits.more_fetches_per_request
    if after < before:
        yield _finding("REQUEST_COST_FELL", Level.INFO, message, "")
    elif limit is not None and (after - before) / requests > limit:
        yield _finding("REQUEST_COST_GREW", Level.ERROR, message, "")
    else:
        yield _finding("REQUEST_COST_GREW", Level.WARNING, message, "")


def _exceeds(before: PlanCosts, after: PlanCosts, limits: PlanCostLimits) -> bool:
    pairs = ((limits.more_fetches, after.fetches - before.fetches), (limits.more_depth, after.depth - before.depth))
    return any(limit is not None and more > limit for limit, more in pairs)


def _costs(planner: Planner, supergraph: Supergraph, operation: KnownOperation) -> PlanCosts:
    plan = planner.plan(get_operation(supergraph.api_schema, operation.document, None))
    stages: dict[int, int] = {}
    for fetch in iter_fetches(plan.node):
        stages[fetch.id] = 1 + max((stages[awaited] for awaited in fetch.depends_on), default=0)
    return PlanCosts(len(stages), max(stages.values(), default=0))


_ADVICE: Final = {
    "PLAN_COST_GREW": "Print both plans with `router plan`. Keep fields of one view in one subgraph, or add @provides.",
    "PLAN_COST_FELL": "Nothing is to be done.",
    "REQUEST_COST_GREW": "See the operations whose plans grew: those with the most requests matter most.",
    "REQUEST_COST_FELL": "Nothing is to be done.",
    "PLAN_FAILED": "Give the fields of the operation back to a subgraph that can be reached by a key.",
    "SUPERGRAPH_NOT_PLANNABLE": "Compose the subgraphs with a version that this router supports.",
}


def _finding(code: str, level: Level, message: str, detail: str) -> StepFinding:
    return StepFinding(STEP, code, level, message, "", None, _ADVICE[code], detail=detail)
