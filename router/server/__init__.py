"""GraphQL over HTTP on a bare ASGI application: an HTTP request comes in, an HTTP response goes out.

Read `app` first, then what it uses in its order: `request_reading` (with `request_body`, `request_parameters`,
`document_ids`), `csrf`, `media_types`, `disconnect`, `response_writing` (with `statuses`, `compression`, `cors`),
`log_line`. `endpoint` puts `overload` and health around it.
"""
