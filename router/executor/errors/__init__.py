"""Convert failures of fetches to errors of the client's response, and find the values that could not be fetched.

This package implements execution §4. The input is the failure of a fetch, or the `errors` of a subgraph response. The
result is errors with paths in the client's response, and the paths of the values that could not be fetched. Read
`error_translation`, `recorded_error_paths` and `unavailable_values` first. `errors_and_unavailable_values` combines
these modules.
"""
