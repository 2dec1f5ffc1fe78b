"""A query plan, its fetches, and its JSON and text formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.plan.nodes import iter_fetches, iter_requests
from router.plan.plan_to_json import plan_json
from router.plan.plan_to_text import plan_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.plan.nodes import BatchFetch, Fetch, PlanNode
    from router.plan.plan_to_json import Json


class QueryPlan(msgspec.Struct, frozen=True, weakref=True):
    """A plan. `node` is None if nothing has to be fetched (introspection, a root `__typename`).

    `hints` has remarks of the planner, for example that the search for a better plan took too long. In the JSON format,
    the key `hints` is our addition to Apollo's format. Without hints, the key is left out. The text format never has
    hints.
    """

    node: PlanNode | None
    hints: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return the plan in Apollo's JSON format, with two additions of ours: `BatchFetch` nodes and `hints`."""
        return plan_json(self.node, self.hints)

    def to_text(self) -> str:
        """Return the plan in Apollo's text format."""
        return plan_text(self.node)

    def fetches(self) -> Iterator[Fetch]:
        """Yield every fetch, in order of appearance in the tree."""
        return iter_fetches(self.node)

    def requests(self) -> Iterator[Fetch | BatchFetch]:
        """Yield every request, in order of appearance in the tree."""
        return iter_requests(self.node)
