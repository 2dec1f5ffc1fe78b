"""Sending fetches to subgraphs; the only package of the router that opens sockets, apart from its server.

In: a `SubgraphRequest` with an encoded body and a deadline. Out: a `SubgraphResponse` with status, headers and body.
Read `interface`, `http` with `http1/` (pool, connection), `in_process`, then `layers/`: each layer is a transport that
wraps another transport. `router/gateway_assembly.py` composes them.
"""
