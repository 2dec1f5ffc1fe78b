"""Prepares the operation of a request: does the work that is independent of variables, and caches the results.

    text ─ checks, parse, validate ─> document ─ choose ──────────> operation ─ plan ─────────────> plan
           read_and_cache_documents.py           operation_seen_by_stages.py    make_and_cache_plans.py

`preparation.py` runs these stages. Work that would block the event loop runs in another thread
(`preparing_thread.py`). Requests that need the same result at the same time share the work (`single_flight.py`).
"""
