"""Sending fetches to subgraphs; the only package of the router that opens sockets, apart from its server.

In: a `SubgraphRequest` with a ready body and a deadline. Out: a `SubgraphResponse` with status, headers and body bytes.
Read `messages` (the interface), `http` and `http1/` (pool, connection), `in_process`, then `layers/`, which are
transports around a transport. `router/assembly.py` composes them.
"""
