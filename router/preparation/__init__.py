"""Prepares the operation of a request: the work that does not depend on variables, done once and cached.

    text ─ checks, parse, validate ─> document ─ choose ─> operation ─ plan ─> plan
           document_cache.py                     request_operation.py  plan_cache.py

`preparation.py` runs these stages. Work that would block the event loop runs in one thread (`preparing_thread.py`), and
only once for all requests that wait for the result (`single_flight.py`).
"""
