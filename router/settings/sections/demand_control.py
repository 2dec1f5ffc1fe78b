"""`demand_control`: what an operation may cost, by `@cost` and `@listSize`."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from router.settings.section import Section
from router.settings.types import Count, IsNumber


class SubgraphCost(Section):
    """What one request may cost one subgraph."""

    max_cost: Count | None = None
    """The largest estimated cost that one request's fetches to this subgraph may have together. With null, the value of
    `subgraph_max_cost` applies.
    """


class DemandControl(Section):
    """What an operation may cost, by `@cost` and `@listSize`. The cost is estimated before anything is fetched."""

    mode: Literal["disabled", "measure", "enforce"] = "disabled"
    """`measure` logs the cost of each operation, and reports operations above a limit. `enforce` also refuses them."""
    max_cost: Count | None = None
    """The largest estimated cost of an operation. Null: no limit."""
    list_size: Annotated[int, Field(ge=0), IsNumber] = 10
    """The assumed number of items of a list without `@listSize`."""
    measure_responses: bool = True
    """Whether the cost of each response is measured. This walks through all objects of the response."""
    in_responses: bool = False
    """Whether a client that sends `Cost: include` gets `extensions.cost` with the estimated and the measured cost."""
    subgraph_max_cost: Count | None = None
    """The largest estimated cost that one request's fetches to the same subgraph may have together. A fetch that
    exceeds this limit is not sent.
    """
    subgraphs: Mapping[str, SubgraphCost] = {}
    """For each subgraph name, the limit of this subgraph."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> DemandControl:
        limits = (self.max_cost, self.subgraph_max_cost, *(own.max_cost for own in self.subgraphs.values()))
        if self.mode == "enforce" and not any(limits):
            raise ValueError("`mode: enforce` needs `max_cost`, or a limit of a subgraph")
        return self

    def limit_of(self, subgraph: str) -> int | None:
        """Return the limit of one subgraph, None if it has none."""
        own = self.subgraphs.get(subgraph)
        return own.max_cost if own is not None and own.max_cost is not None else self.subgraph_max_cost
