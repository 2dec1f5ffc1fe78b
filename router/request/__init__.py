"""GraphQL requests and responses without HTTP: the types that `server` and `gateway` exchange.

Read `request_and_response`, then `log_fields` (the fields of a request's log line).
"""
