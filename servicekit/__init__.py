"""The code that all processes of the platform share. Code that only one process needs is not here.

In reading order:

- `errors`: the errors that any process may raise.
- `variables`, `variable_names`, `settings`: environment variables and their validation.
- `secret_strength`, `private_files`: secrets that nobody can guess, and files that nobody else can read.
- `request_ids`, `logging`: the ids of the current request, and structured logs that contain them.
- `client_address`: the address of the client, also behind proxies.
- `rate_limits`: how often something may happen, for each address or account.
- `logged_paths`, `asgi`, `health`: the middleware of every HTTP application, and the form in which a path is logged.
- `client_disconnects`: ends work when its client has gone or its time is over.
- `static_files`: files over HTTP, with entity tags and content codings.
- `http_url`, `accept`, `entity_tags`, `request_deadline`: absolute URLs, split for a request, and the headers `Accept`,
  `ETag` and `X-Request-Timeout-Ms`.
- `http_limits`, `http_head`, `http_framing`, `http_requests`, `bounded_close`, `http_protocol`: the HTTP/1.1 server.
  They decide which requests are accepted, how large and slow a request may be, and how a connection ends.
- `open_files`, `server`: one process that serves one application.
- `sqlite`: the embedded store.
- `commands`: command lines.
"""
