"""Decides which fields a client may read: `@authenticated`, `@requiresScopes` and `@policy` (execution §16.2).

A *clause* is one of these directives on a field or type of the schema. A clause *holds* for a client if the client has
what the directive requires. A client may read a field if all clauses on which the field depends hold.

    schema ─> requirements ─┐
    operation ──────────────┴─> required_clauses ─> which do not hold? ─> filter_operation ─> what is planned
                                                      policy_decisions                        what the client gets

Read `requirements`, `required_clauses`, `filter_operation`, `paths_of_refused_fields`, `policy_decisions`,
`policy_server`, then `authorization_stage` (the stage of the pipeline). `step_up_stage` is a separate stage.
`explain_access` implements `router explain-auth`. Several modules use `selection_conditions`.
"""
