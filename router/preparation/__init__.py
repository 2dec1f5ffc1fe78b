"""Prepares the operation of a request: does and caches the work that does not depend on the values of variables.

    text ─ checks, parse, validate ─> document ─ choose ─> operation ─ plan ─> plan
           document_cache.py                     request_operation.py  plan_cache.py

`preparation.py` runs these stages. Work that would block the event loop runs in one other thread
(`preparing_thread.py`). Requests that need the same result at the same time share the work (`single_flight.py`).
"""
