"""The types of GraphQL requests and responses, independent of HTTP, that `server` and `gateway` exchange.

Read `request_and_response`, then `log_fields` (the fields of a request's log line).
"""
