"""Reads a plan in Apollo's JSON format, so that the executor can run what another planner made."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from router.plan import (
    Condition,
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
    TypeIs,
    ValueSetter,
    iter_fetches,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan import InputSelection, Path, PathStep, PlanNode, Rewrite


class UnknownNode(Exception):
    """The plan has a node the reader does not know."""


def read_plan(plan_json: dict[str, Any]) -> QueryPlan:
    """The plan. Each fetch waits for all that come before it in the tree.

    Raises:
        UnknownNode: the plan defers or subscribes, or is no plan.
    """
    node = plan_json.get("node")
    return QueryPlan(None if node is None else _Reader().node(node, ()))


class _Reader:
    def __init__(self) -> None:
        self._ids = count()

    def node(self, node: dict[str, Any], after: tuple[int, ...]) -> PlanNode:
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
            case kind:
                raise UnknownNode(kind)

    def _fetch(self, node: dict[str, Any], after: tuple[int, ...]) -> Fetch:
        requires = tuple(_input(selection) for selection in node.get("requires") or ())
        return Fetch(
            id=next(self._ids),
            service_name=node["serviceName"],
            operation=node["operation"],
            operation_kind=node["operationKind"],
            operation_name=node.get("operationName"),
            variable_usages=tuple(node["variableUsages"]),
            requires=tuple(one for one in requires if isinstance(one, InputFragment)),
            depends_on=after,
            input_rewrites=_rewrites(node.get("inputRewrites")),
            output_rewrites=_rewrites(node.get("outputRewrites")),
        )


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
