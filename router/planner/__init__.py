"""Plans an operation on a supergraph. Paragraph numbers (§) refer to `docs/spec/planning.md`.

The planner in `planning.py` runs these stages in order:

- `normalise/` turns the selections of the operation into a list of selected fields.
- `walk/` finds the leaf fields, and for each leaf the *options*: the ways to fetch the leaf. The graph of what each
  subgraph resolves is in `graph/`.
- `choose/` chooses one option for each leaf. `search_bounds.py` ends this search if it takes too long.
- `fetch/` turns the chosen options into fetches.
- `plan_tree/` turns the fetches into the tree of a plan.
"""

from router.planner.planning import Planner, PlanOptions, explain, plan
from router.planner.search_bounds import Bounds

__all__ = ["Bounds", "PlanOptions", "Planner", "explain", "plan"]
