"""Runs a gateway as a long-lived process, with reloads, worker processes and a port for operators.

The input is the paths and URLs of the command line. The output is an ASGI application that serves the newest usable
supergraph. Read `router_process` (one worker) first, then `reloading`, `build_gateway` (makes a gateway from files),
`supergraph_cache`, `gateway_generations` (replaces a gateway by a new one), `read_supergraph_from_file_or_url`,
`reload_on_change` and `warm_up`. A *generation* is one gateway with its settings and its running requests.
`worker_supervisor` and `supervisor_channel` run several processes. `admin_port` serves operators.
"""
