"""Running a gateway as a long-lived process: reloads, worker processes, a port for operators.

The input is the paths and URLs of the command line; the output is an ASGI application that serves the newest usable
supergraph. Read `router_process` (one worker) first, then `reloading`, `build_gateway` (from files to a gateway),
`gateway_generations` (how one gateway replaces another; a *generation* is one gateway and its running requests),
`supergraph_sources`, `watch` and `warm_up`. `worker_supervisor` and `supervisor_channel` run several processes;
`admin_port` serves operators.
"""
