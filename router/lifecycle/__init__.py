"""Running a gateway as a long-lived process: reloads, worker processes, a port for operators.

In: the paths and addresses that the command line names. Out: an ASGI application that always serves the newest usable
supergraph. Read `live` (one worker) first, then `reloading` (from files to a gateway), `generation` (how one gateway
replaces another), `sources`, `watch` and `warm_up`; `workers` and `control` run several processes, `admin` is the port.
"""
