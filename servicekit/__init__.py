"""The code that all processes of the platform share. Code that only one process needs is not here.

In reading order:

- `errors`: the errors that any process may raise.
- `variables`, `variable_names`, `settings`: environment variables and their validation.
- `secret_strength`, `private_files`: secrets that nobody can guess, and files that nobody else can read.
- `request_ids`, `logging`: the ids of the current request, and structured logs that contain them.
- `client_address`: the address of the client, also behind proxies.
- `rate_limits`: how often something may happen, for each address or account.
- `asgi`, `access_log`, `logged_paths`, `health`: the middleware of every HTTP application, and the form in which a path
  is logged.
- `client_disconnects`: ends work when its client has gone or its time is over.
- `static_files`, `static_folder`, `byte_ranges`: files over HTTP with hashes in their names, entity tags, content
  codings and ranges, and the pages that refer to them.
- `http_url`, `accept`, `entity_tags`, `request_deadline`: absolute URLs, split for a request, and the headers `Accept`,
  `ETag` and `X-Request-Timeout-Ms`.
- `http_limits`, `http_head`, `http_framing`, `message_reading`, `silent_connections`, `http_requests`, `bounded_close`,
  `http_protocol`: HTTP/1.1 with uvicorn. They decide which requests are accepted, how large and slow a request may be,
  and how a connection ends.
- `http_server`, `moving_deadline`: the same without uvicorn's protocol, for the router and the ports for probes.
- `tls`, `probe_port`: TLS between the processes, and the port on which probes need no certificate.
- `open_files`, `server`: one process that serves one application.
- `sqlite`: the embedded store.
- `commands`: command lines.
"""
