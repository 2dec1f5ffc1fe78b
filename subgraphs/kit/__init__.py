"""What the three subgraphs share.

GraphQL: `schema` and `http` with `request_body` (execution), `scalars`, `connections`, `graphql_problems`,
`descriptions`. A service: `app`, `settings`, `commands`, `verification`, `context`, `background`. Stores:
`store_factory`, `sqlite_store`, `outbox`, `times`, `domain_problems`.
"""
