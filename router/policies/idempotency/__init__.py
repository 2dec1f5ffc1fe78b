"""Runs a mutation once for each idempotency key, and answers repetitions with the first response (execution §17.1).

    key and caller ─> key_store.begin ─┬─ new ──────────> execute, then key_store.finish
                                       ├─ finished ─────> the stored response, `Idempotent-Replayed: true`
                                       ├─ other input ──> 422
                                       └─ not finished ─> 409

Read `key_store`, `memory_key_store` and `redis_key_store`, `subgraph_keys`, then `idempotency_stage`.
"""
