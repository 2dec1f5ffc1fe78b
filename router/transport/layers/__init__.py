"""Adds behaviour to a transport. A layer is a `Transport` that wraps another transport.

In and out: as for every `Transport`. `fetch_totals` counts the fetches of one client request. `pause_on_503` sends no
requests to a subgraph that asked for a pause. `deduplication` sends identical queries once. `load_shedding` limits the
concurrent requests to a subgraph. `retry` repeats failed requests. `circuit_breaker` sends no requests to a subgraph
that fails. `hedging` sends slow queries twice. `load_balancing` chooses a server. Several layers use
`classify_failed_attempts` and `repeated_request_budget`. The modules can be read in any order.
`router/transport/layered_transport.py` combines the layers.
"""
