"""The store of users, sessions and signing keys: `protocol`, `sqlite`, and the table of implementations."""
