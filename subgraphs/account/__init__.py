"""The account service: accounts, and the ledger that moves their money.

Reading order: `domain` (accounts) and `postings` (the ledger's rules), `store`, `internal` (REST routes for the
transaction service), `types`, `schema` and `mutations` (GraphQL), `app`, `cli`.
"""
