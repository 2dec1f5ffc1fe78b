"""The transaction service: orders to move money, and their history; the ledger is in the account service.

Reading order: `domain` (the rules), `saga` (carries out an order) with `lease`, `idempotency`, `ledger_client` and
`payment_provider`, `reconciler`, `store`, `graphql_types`, `graphql_inputs` and `schema` (GraphQL), `app`, `cli`.
"""
