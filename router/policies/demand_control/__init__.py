"""Estimates what an operation costs, refuses what is too expensive, and measures what it has cost (execution §15).

    schema ──> schema_weights ─┐
    operation ─────────────────┴─> priced_selections ─┬─> estimate      before any fetch, with the request's variables
                                                      └─> actual_cost   from the response

Read `schema_weights`, `priced_selections`, `estimate`, `actual_cost`, then `demand_control_stage` (whole requests) and
`subgraph_demand` (the fetches to one subgraph).
"""
