"""Reads a plan in Apollo's JSON format, so that our executor can run the plans of Apollo's planner."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from router.plan import (
    Condition,
    Defer,
    DeferDependency,
    DeferPrimary,
    DeferredPart,
    Each,
    Fetch,
    Flatten,
    InputField,
    InputFragment,
    Key,
    KeyRenamer,
    Parallel,
    QueryPlan,
    Sequence,
    Subscription,
    TypeIs,
    ValueSetter,
    iter_fetches,
)
from tests.router.plan.fetches import selections_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan import InputSelection, OutputSelection, Path, PathStep, PlanNode, Rewrite


class UnknownPlanNode(Exception):
    """The plan has a node of an unknown kind."""


def read_plan(plan_json: dict[str, Any]) -> QueryPlan:
    """Read a plan. Each fetch depends on all fetches before it in a sequence.

    Raises:
        UnknownPlanNode: a node has an unknown kind.
    """
    node = plan_json.get("node")
    return QueryPlan(None if node is None else _Reader().node(node, ()))


class _Reader:
    def __init__(self) -> None:
        self._ids = count()
        # Our numbers of fetches, by Apollo's; only fetches that deferred parts depend on have one there.
        self._numbers: dict[str, int] = {}

    def node(self, node: dict[str, Any], after: tuple[int, ...]) -> PlanNode:  # noqa: PLR0911 - one per kind of node
        match node["kind"]:
            case "Fetch":
                return self._fetch(node, after)
            case "Flatten":
                return Flatten(_flatten_path(node["path"]), self._fetch(node["node"], after))
            case "Sequence":
                children: list[PlanNode] = []
                for child in node["nodes"]:
                    children.append(self.node(child, after))
                    after = (*after, *(fetch.id for fetch in iter_fetches(children[-1])))
                return Sequence(tuple(children))
            case "Parallel":
                return Parallel(tuple(self.node(child, after) for child in node["nodes"]))
            case "Condition":
                clauses = [node.get("ifClause"), node.get("elseClause")]
                return Condition(node["condition"], *(clause and self.node(clause, after) for clause in clauses))
            case "Defer":
                return self._defer(node, after)
            case "Subscription":
                primary = self._fetch(node["primary"], after)
                rest = node.get("rest")
                return Subscription(primary, rest and self.node(rest, (*after, primary.id)))
            case kind:
                raise UnknownPlanNode(kind)

    def _defer(self, node: dict[str, Any], after: tuple[int, ...]) -> Defer:
        primary = node["primary"]
        first = primary.get("node") and self.node(primary["node"], after)
        after = (*after, *(fetch.id for fetch in iter_fetches(first)))
        parts = tuple(
            DeferredPart(
                tuple(DeferDependency(self._numbers[one["id"]], one.get("deferLabel")) for one in part["depends"]),
                part.get("label"),
                tuple(part["queryPath"]),
                part.get("subselection"),
                part.get("node") and self.node(part["node"], after),
                _subselections(part),
            )
            for part in node["deferred"]
        )
        return Defer(DeferPrimary(primary.get("subselection"), first, _subselections(primary)), parts)

    def _fetch(self, node: dict[str, Any], after: tuple[int, ...]) -> Fetch:
        requires = tuple(_input(selection) for selection in node.get("requires") or ())
        number = next(self._ids)
        if "id" in node:
            self._numbers[node["id"]] = number
        return Fetch(
            id=number,
            service_name=node["serviceName"],
            operation=node["operation"],
            operation_kind=node["operationKind"],
            operation_name=node.get("operationName"),
            variable_usages=tuple(node["variableUsages"]),
            requires=tuple(one for one in requires if isinstance(one, InputFragment)),
            depends_on=after,
            input_rewrites=_rewrites(node.get("inputRewrites")),
            output_rewrites=_rewrites(node.get("outputRewrites")),
            selections=selections_of(node["operation"], entities=bool(requires)),
        )


def _subselections(part: dict[str, Any]) -> tuple[OutputSelection, ...]:
    text = part.get("subselection")
    return () if text is None else selections_of(text, entities=False)


def _input(selection: dict[str, Any]) -> InputSelection:
    below = tuple(_input(child) for child in selection.get("selections") or ())
    if selection["kind"] == "Field":
        return InputField(selection["name"], below)
    return InputFragment(selection["typeCondition"], below)


def _rewrites(rewrites: Iterable[dict[str, Any]] | None) -> tuple[Rewrite, ...]:
    return tuple(_rewrite(one) for one in rewrites or ())


def _rewrite(rewrite: dict[str, Any]) -> Rewrite:
    path = tuple(_rewrite_step(step) for step in rewrite["path"])
    if rewrite["kind"] == "KeyRenamer":
        return KeyRenamer(path, rewrite["renameKeyTo"])
    return ValueSetter(path, rewrite["setValueTo"])


def _rewrite_step(step: str) -> PathStep:
    return TypeIs((step.removeprefix("... on "),)) if step.startswith("... on ") else Key(step)


def _flatten_path(path: Iterable[str]) -> Path:
    steps: list[PathStep] = []
    for segment in path:
        step, _, condition = segment.partition("|")
        if step:
            steps.append(Each() if step == "@" else Key(step))
        if condition:
            steps.append(TypeIs(tuple(condition.strip("[]").split(","))))
    return tuple(steps)
