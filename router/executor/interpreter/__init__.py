"""Carrying out the fetches of a plan on one tree of plain dicts (execution §3).

In: a plan, the coerced variables and a transport. Out: the raw response tree, the errors and the unavailable values.
Read `schedule` (the requests of a plan), `execution` (one request after the other), then in the order of a request:
`flatten`, `context_values`, `representations`, `rewrites`, `merge`, `batch_response`.
"""
