"""The bank's sixteen documented REST routes, answered by GraphQL operations on the router."""
