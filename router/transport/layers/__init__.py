"""Transports that wrap another transport and add one behaviour each; `router/gateway_assembly.py` composes them.

In and out: as for every `Transport`. `fetch_totals` counts the fetches of one client request, `retry_after_pause` obeys
`Retry-After`, `deduplication` sends identical queries once. Read them in any order.
"""
