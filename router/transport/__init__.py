"""Send fetches to subgraphs, over HTTP or in the same process.

In: a `SubgraphRequest` with an encoded body and a deadline. Out: a `SubgraphResponse` with status, headers and body.
Read `interface`, `http` with `servicekit/http1` (pool, connection), `in_process`, then `layers/`. Each layer is a
transport that wraps another transport. `router/gateway_assembly.py` combines the transport and the layers.
"""
