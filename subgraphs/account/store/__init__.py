"""The store of accounts and the ledger: `protocol`, `sqlite`, and the table of implementations."""
