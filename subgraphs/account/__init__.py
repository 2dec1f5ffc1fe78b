"""The account service: accounts, and the ledger that alone moves their money."""
