"""Plans an operation on a supergraph. Paragraphs (§) are those of `docs/spec/planning.md`.

`planning.py` has the planner. It runs these stages in order: `normalise/` (selections to items), `walk/` over `graph/`
(items to leaves with options, by what each subgraph resolves), `choose/` (one option for each leaf), `fetch/` (options
to fetches), `plan_tree/` (fetches to the tree of a plan). `search_bounds.py` ends a search that takes too long.
"""

from router.planner.planning import Planner, PlanOptions, explain, plan
from router.planner.search_bounds import Bounds

__all__ = ["Bounds", "PlanOptions", "Planner", "explain", "plan"]
