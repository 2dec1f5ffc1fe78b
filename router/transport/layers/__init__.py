"""Add behaviour to a transport. A layer is a `Transport` that wraps another transport.

In and out: as for every `Transport`. `fetch_totals` counts the fetches of one client request. `pause_on_503` sends
no requests to a subgraph that asked for a pause. `deduplication` sends identical queries once. `load_shedding` bounds
the requests at once, `retry` repeats failed ones, `circuit_breaker` spares a subgraph that fails, `hedging` sends slow
queries twice, and `balancing` chooses a server. `attempt_results` and `budget` are shared. The modules can be read in
any order. `router/transport/layered_transport.py` combines the layers.
"""
