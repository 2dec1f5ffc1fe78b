"""GraphQL over HTTP as an ASGI application, which reads HTTP requests and writes HTTP responses.

Read `graphql_http_app` first, then the modules that `graphql_http_app` uses, in the order of use: `http_request`,
`http_request_checks`, `request_reading` (with `request_body`, `request_parameters`, `find_document_id`), `csrf`,
`media_types`, `client_disconnect`, `response_writing` (with `choose_http_status`, `response_compression`, `cors`),
`access_log`. `graphql_and_health` adds `overload_protection`, the health endpoints, and `pages`, the web pages
with a browser.
"""
