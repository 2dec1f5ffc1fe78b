"""A plan and its printed forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.plan.json_format import plan_json
from router.plan.nodes import iter_fetches, iter_requests
from router.plan.text_format import plan_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.plan.json_format import Json
    from router.plan.nodes import BatchFetch, Fetch, PlanNode


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan. `node` is None when nothing has to be fetched (introspection, a root `__typename`).

    `hints` are remarks of the planner, such as that a work limit ended its search. Apollo's format has none: our JSON
    has them if there are any, the text does not.
    """

    node: PlanNode | None
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The plan in Apollo's JSON format; the parts of a `BatchFetch`, our addition, are Apollo's nodes."""
        return plan_json(self.node, self.hints)

    def to_text(self) -> str:
        """The plan in Apollo's text format."""
        return plan_text(self.node)

    def fetches(self) -> Iterator[Fetch]:
        """Every fetch, in order of appearance in the tree."""
        return iter_fetches(self.node)

    def requests(self) -> Iterator[Fetch | BatchFetch]:
        """Every request, in order of appearance in the tree."""
        return iter_requests(self.node)
