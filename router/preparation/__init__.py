"""Everything about an operation that does not depend on its variables, done once and cached.

    text ─ checks, parse, validate ─> document ─ choose ─> operation ─ plan ─> plan
           documents.py                          operations.py         plans.py

`preparation.py` puts these together. One thread does what would block the event loop (`preparing_thread.py`), once for
all requests that wait for it (`single_flight.py`).
"""
