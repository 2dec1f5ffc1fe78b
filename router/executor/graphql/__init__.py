"""The parts of GraphQL execution that do not depend on fetches.

In: the client's operation, its variables and the raw response tree. Out: coerced variables, the completed response.
Read `variable_coercion`, `completion` with `collect_fields` and `result_coercion`, `type_relations`, `introspection`.
"""
