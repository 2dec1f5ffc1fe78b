"""Convert failures of fetches to errors of the client's response, and find the values that they make unavailable.

This package implements execution §4. In: the failure of a fetch, or the `errors` of a subgraph response. Out: errors
with their paths in the client's response, and the paths of values that could not be fetched. Read `error_translation`,
then `recorded_error_paths`, `unavailable_values`, and `errors_and_unavailable_values`, which combines the three.
"""
