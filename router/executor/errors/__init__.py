"""Failures of fetches and their effects on the client's response (execution §4).

In: the failure of a fetch, or the `errors` of a subgraph response. Out: errors at their paths in the client's response,
and the values that are unavailable. Read `error_translation`, then `failure_paths`, then `unavailable_values`.
"""
