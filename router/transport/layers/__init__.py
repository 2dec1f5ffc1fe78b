"""Transports around a transport, one concern each; `router/assembly.py` composes them.

In and out: as for every `Transport`. `metering` counts for one client request, `pause` honours `Retry-After`,
`deduplication` sends identical queries once. Read them in any order.
"""
