"""`planner`: how operations are divided into fetches."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import Count, Duration


class Planner(Section):
    """How operations are divided into fetches."""

    batch_entity_fetches: bool = True
    """Whether entity fetches to the same subgraph share one request if they are at the same stage of the plan. A fetch
    at stage 0 waits for no other fetch. A fetch at stage 1 waits for a fetch at stage 0, and so on. The shared request
    is sent when the inputs of all its fetches are available."""
    lift_literals: bool = True
    """Whether operations that differ only in literal argument values, such as `product(id: "17")` and
    `product(id: "18")`, share one plan. The router then sends the values to subgraphs as variables."""
    work: Count = 10_000
    """The work budget of the search for a better plan, in units of about 10 µs. When the budget is used up, the router
    uses the best plan found so far, and logs a hint. Work is counted, not timed, so that an operation always gets the
    same plan.
    """
    deadline: Duration = 1.0
    """Time limit of the search for a better plan. On a busy machine, the search can reach this limit before its work
    budget is used up."""
