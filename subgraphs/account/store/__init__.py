"""Where accounts and the ledger are kept."""
