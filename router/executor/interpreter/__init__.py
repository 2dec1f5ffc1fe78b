"""Run the fetches of a plan and merge their results into one tree of plain dicts (execution §3).

In: a plan, the coerced variables and a transport. Out: the raw response tree, the errors and the unavailable values.
Read `planned_requests`, then `execution` (runs the requests), then in the order of a request: `objects_at_path`,
`from_context`, `representations`, `rewrites`, `merge`, `entity_batches`.
"""
