"""The REST layer. It serves the bank's REST routes, each of which runs a GraphQL operation on the router.

In reading order:

- `routes`: the table of routes; `route` defines its rows, `route_matching` matches paths against it.
- `handler`: handles one request, step by step. It uses `negotiation`, `strict_json` and `idempotency`.
- `bulkheads`, `client_disconnects`: limit the running requests of each kind, and end requests whose clients have left.
- `bodies`: the inputs of the routes, made of `body_schemas` and `scalars`.
- `operations`, `graphql_client`: the GraphQL operations, and the client that sends them to the router.
- `representations`, `responses`: the documents in responses, and their bytes and headers.
- `errors`, `error_translation`: error responses, and their translation from GraphQL errors.
- `openapi`, `openapi_errors`: the OpenAPI document, generated from the same tables.
- `readiness`: the checks that decide whether the process is ready.
- `app`, `settings`, `cli`: the process. `api_schema` derives the schema against which the operations are checked.
"""
