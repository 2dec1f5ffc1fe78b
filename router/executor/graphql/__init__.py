"""Coerce variables, complete the response and resolve introspection: the parts of execution that send no fetches.

The input is the client's operation, its variables, and the merged results of all fetches. The result is the coerced
variables, and the response that the client gets. Read the modules in this order: `variable_coercion`, `completion`,
`collect_fields`, `leaf_coercion`, `type_relations`, `introspection`.
"""
