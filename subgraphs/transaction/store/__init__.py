"""The store of transactions, idempotency keys and leases: `protocol`, `sqlite`, and the table of implementations."""
