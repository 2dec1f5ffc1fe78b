"""Limits how much each client may use in a period (execution §14.1).

    request ─> client_keys ─> limiter (memory_limiter or redis_limiter) ─> allowed, or 429
               who is it?     does each rule still allow it?

Read `limiter`, `client_keys`, `memory_limiter`, `redis_limiter`, then `rate_limit_stage` (three stages).
"""
