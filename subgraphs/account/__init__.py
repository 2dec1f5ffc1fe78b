"""The account service: accounts, and the ledger that moves their money.

Reading order: `domain` (accounts) and `postings` (the ledger's rules), `store`, `internal_api` (REST routes for
the transaction service), `graphql_types`, `schema` and `mutations` (GraphQL), `app`, `cli`.
"""
