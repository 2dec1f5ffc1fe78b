"""The code that the three subgraphs share.

- GraphQL: `schema`, `scalars`, `connections`, `graphql_problems`, `descriptions`.
- The handling of a request, in reading order: `graphql_http`, `request_body`, `operation_checks` with `request_limits`,
  `operation_size`, `operation_cost`, `once_per_operation`, `bounded_execution` with `shared_results`.
- The process of a service: `app`, `settings`, `commands`, `token_verification`, `context`, `background`.
- Stores: `store_factory`, `sqlite_store`, `mongo_store`, `store_identity`, `outbox`, `events`, `times`,
  `domain_problems`.
"""
