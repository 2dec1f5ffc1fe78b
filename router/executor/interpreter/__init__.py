"""Run the fetches of a plan and merge their results into one tree of plain dicts (execution §3).

The input is a plan, the coerced variables and a transport. The result is the merged tree, the errors, and the values
that could not be fetched. Read `requests_in_plan` (lists the requests of a plan) and `execution` (runs the requests)
first. The other modules are the steps of one request, in this order: `objects_at_path`, `read_context_values`,
`representations`, `rewrites`, `merge`, `combine_and_split_entity_fetches`.
"""
