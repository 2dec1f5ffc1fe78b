"""Decides which fields a client may read: `@authenticated`, `@requiresScopes` and `@policy` (execution §16.2).

    schema ─> requirements ─┐
    operation ──────────────┴─> required_clauses ─> which do not hold? ─> filter_operation ─> what is planned
                                                      policy_decisions                        what the client gets

Read `requirements`, `required_clauses`, `filter_operation`, `refused_selections`, `policy_decisions`,
`policy_server`, then `authorization_stage` (the stage of the pipeline). `explain_access` is for `router explain-auth`.
"""
