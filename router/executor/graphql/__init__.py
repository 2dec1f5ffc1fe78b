"""Coerce variables, complete the response and resolve introspection: the parts of execution that send no fetches.

In: the client's operation, its variables, and the merged results of all fetches. Out: the coerced variables, and the
response that the client gets. Read `variable_coercion`, `completion` with `collect_fields` and `leaf_coercion`,
`type_relations`, `introspection`.
"""
