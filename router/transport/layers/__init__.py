"""Add behaviour to a transport. A layer is a `Transport` that wraps another transport.

In and out: as for every `Transport`. `fetch_totals` counts the fetches of one client request. `retry_after_pause` sends
no requests to a subgraph that asked for a pause. `deduplication` sends identical queries once. The modules can be read
in any order. `router/gateway_assembly.py` combines the layers.
"""
