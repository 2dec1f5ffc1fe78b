"""Query planning: an operation and a supergraph in, a plan out. Paragraphs (§) are those of `docs/spec/planning.md`.

`planning.py` has the planner and runs the stages, in this order: `normalise/` (selections to items), `walk/` over
`graph/` (items to leaves with options, by what each subgraph resolves), `choose/` (one option for each leaf), `fetch/`
(options to fetches), `plan_tree/` (fetches to the tree of a plan). `bounds.py` ends a search that takes too long.
"""

from router.planner.bounds import Bounds
from router.planner.planning import Planner, PlanOptions, explain, plan

__all__ = ["Bounds", "PlanOptions", "Planner", "explain", "plan"]
